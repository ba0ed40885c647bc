// Who may do what: a table of access × kind × situation, and what must hold whatever the table says.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type Access, accessLevels } from '../../../shared/chat/access.ts'
import { type Entry, type MessageId, parseMessageId } from '../../../shared/chat/entry.ts'
import {
  type IdClaim,
  judge,
  parseVoidReason,
  type PolicyView,
  settingBytes,
  threadReadBytes,
  type VoidReason,
  voidReasons,
} from '../../../shared/chat/policy.ts'
import type { Reaction } from '../../../shared/chat/message.ts'
import { limits } from '../../../shared/limits.ts'
import type { UserId } from '../../../shared/sync/ids.ts'
import { userId } from '../../helpers/chain-doc.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'

function messageId(number: number): MessageId {
  const id = parseMessageId(`01890a5d-ac96-774b-bcce-${String(number).padStart(12, '0')}`)
  if (id === undefined) throw new Error('not a message id')
  return id
}

const ids = {
  new: messageId(0),
  own: messageId(1),
  ownStream: messageId(2),
  theirs: messageId(3),
  theirStream: messageId(4),
  redacted: messageId(5),
  unseen: messageId(6),
}
const author = userId('ann')
const boss = userId('boss')
const nextSeq = 10

const claims = new Map<MessageId, IdClaim>([
  [ids.own, { user: author, complete: true }],
  [ids.ownStream, { user: author, complete: false }],
  [ids.theirs, { user: boss, complete: true }],
  [ids.theirStream, { user: boss, complete: false }],
  [ids.redacted, { user: author, complete: true, message: { redactedAt: 1 } }],
])

/** A conversation with these members beside the author; `boss` owns it unless told otherwise. */
function viewOf(access: Access | undefined, others: Readonly<Record<string, Access>> = { boss: 'owner' }): PolicyView {
  const members = new Map<UserId, Access>(Object.entries(others).map(([user, level]) => [userId(user), level]))
  if (access !== undefined) members.set(author, access)
  return {
    accessOf: (user) => members.get(user),
    ownerCount: () => [...members.values()].filter((level) => level === 'owner').length,
    claimOf: (id) => claims.get(id),
    nextSeq: () => nextSeq,
    ...roomy,
    memberCount: () => members.size,
  }
}

/** Nothing that is counted is full. */
const roomy = {
  isPrivate: () => false,
  threadReadsOf: () => new Map(),
  threadReadsBytes: () => 0,
  memberCount: () => 1,
  membersBytes: () => 0,
  pinCount: () => 0,
  isPinned: () => false,
  settingsBytesWithout: () => 0,
}

/** Verdicts for owner, admin, writer, reader and a stranger; `ok` is accepted. */
type Row = readonly [situation: string, entry: Entry, verdicts: string]

const message = (id: MessageId): Entry => ({ kind: 'message', id, role: 'user', content: 'x', at: 0 })
const edit = (of: MessageId): Entry => ({ kind: 'edit', of, content: 'x', at: 0 })
const member = (user: string, access: Access | null): Entry => ({ kind: 'member', user: userId(user), access })

const rows: readonly Row[] = [
  ['a new message', message(ids.new), 'ok ok ok access access'],
  ['an own message again', message(ids.own), 'duplicate duplicate duplicate access access'],
  ['the message that ends an own stream', message(ids.ownStream), 'ok ok ok access access'],
  ["a message with another's id", message(ids.theirs), 'id-taken id-taken id-taken access access'],
  ["a message with the id of another's stream", message(ids.theirStream), 'id-taken id-taken id-taken access access'],

  ['a delta of a new stream', { kind: 'delta', of: ids.new, text: 'x' }, 'ok ok ok access access'],
  ['a delta of an own stream', { kind: 'delta', of: ids.ownStream, text: 'x' }, 'ok ok ok access access'],
  [
    'a delta of an own message',
    { kind: 'delta', of: ids.own, text: 'x' },
    'duplicate duplicate duplicate access access',
  ],
  [
    "a delta of another's stream",
    { kind: 'delta', of: ids.theirStream, text: 'x' },
    'id-taken id-taken id-taken access access',
  ],

  ['an edit of an own message', edit(ids.own), 'ok ok ok access access'],
  ["an edit of another's message", edit(ids.theirs), 'not-author not-author not-author access access'],
  ['an edit of what was redacted', edit(ids.redacted), 'redacted redacted redacted access access'],
  ['an edit of nothing', edit(ids.new), 'no-target no-target no-target access access'],
  ['an edit of an own stream', edit(ids.ownStream), 'no-target no-target no-target access access'],

  ['a redaction of an own message', { kind: 'redact', of: ids.own }, 'ok ok ok access access'],
  ["a redaction of another's message", { kind: 'redact', of: ids.theirs }, 'ok ok not-author access access'],
  ['a second redaction', { kind: 'redact', of: ids.redacted }, 'ok ok ok access access'],
  ['a redaction of an own stream', { kind: 'redact', of: ids.ownStream }, 'ok ok ok access access'],
  ["a redaction of another's stream", { kind: 'redact', of: ids.theirStream }, 'ok ok not-author access access'],
  ['a redaction of nothing', { kind: 'redact', of: ids.new }, 'no-target no-target no-target access access'],

  [
    "a reaction to another's message",
    { kind: 'react', of: ids.theirs, emoji: 'x', on: true },
    'ok ok ok access access',
  ],
  ['a reaction taken back', { kind: 'react', of: ids.own, emoji: 'x', on: false }, 'ok ok ok access access'],
  [
    'a reaction to nothing',
    { kind: 'react', of: ids.new, emoji: 'x', on: true },
    'no-target no-target no-target access access',
  ],
  [
    'a reaction to what was redacted',
    { kind: 'react', of: ids.redacted, emoji: 'x', on: true },
    'ok ok ok access access',
  ],
  [
    'a reaction to a stream',
    { kind: 'react', of: ids.theirStream, emoji: 'x', on: true },
    'no-target no-target no-target access access',
  ],
  ["a stop of another's stream", { kind: 'stop', of: ids.theirStream }, 'ok ok ok access access'],
  ['a stop of nothing', { kind: 'stop', of: ids.new }, 'no-target no-target no-target access access'],

  ["a pin of another's message", { kind: 'pin', of: ids.theirs, on: true }, 'ok ok access access access'],
  ['a pin of nothing', { kind: 'pin', of: ids.new, on: true }, 'no-target no-target access access access'],

  ['a pin of a stream', { kind: 'pin', of: ids.ownStream, on: true }, 'no-target no-target access access access'],

  ['read through the last', { kind: 'read', through: nextSeq - 1 }, 'ok ok ok ok access'],
  ['received the last', { kind: 'read', received: nextSeq - 1 }, 'ok ok ok ok access'],
  ['read beyond the last', { kind: 'read', through: nextSeq }, 'beyond-end beyond-end beyond-end beyond-end access'],
  [
    'received beyond the last',
    { kind: 'read', through: 0, received: nextSeq },
    'beyond-end beyond-end beyond-end beyond-end access',
  ],

  ['a title', { kind: 'set', key: 'title', value: 'x' }, 'ok ok access access access'],
  ['some setting', { kind: 'set', key: 'colour', value: null }, 'ok ok access access access'],
  ['an entry of a later version', { kind: 'unknown', name: 'poll' }, 'ok ok ok access access'],

  ['a new reader', member('new', 'reader'), 'ok ok access access access'],
  ['a new writer', member('new', 'writer'), 'ok ok access access access'],
  ['a new admin', member('new', 'admin'), 'ok access access access access'],
  ['a new owner', member('new', 'owner'), 'ok access access access access'],
  ['a writer becomes a reader', member('writer', 'reader'), 'ok ok access access access'],
  ['a writer becomes an admin', member('writer', 'admin'), 'ok access access access access'],
  ['a reader is removed', member('reader', null), 'ok ok access access access'],
  ['an admin becomes a reader', member('admin', 'reader'), 'ok access access access access'],
  ['an admin is removed', member('admin', null), 'ok access access access access'],
  ['another owner becomes a reader', member('boss', 'reader'), 'ok access access access access'],
  ['another owner is removed', member('boss', null), 'ok access access access access'],
  ['nobody is removed', member('new', null), 'no-target no-target access access access'],
  ['the author leaves', member('ann', null), 'ok ok ok ok access'],
  ['the author becomes an owner', member('ann', 'owner'), 'ok access access access access'],
  ['the author becomes an admin', member('ann', 'admin'), 'ok access access access access'],
  ['the author becomes a reader', member('ann', 'reader'), 'ok access access access access'],
]

const others = { boss: 'owner', admin: 'admin', writer: 'writer', reader: 'reader' } as const
const authors = [...accessLevels, undefined]

describe('the table', () => {
  test.each(rows)('[POLICY1] %s', (_situation, entry, verdicts) => {
    const judged = authors.map((access) => judge(viewOf(access, others), author, entry) ?? 'ok')
    expect(judged.join(' ')).toBe(verdicts)
  })

  test('[POLICY1] every kind is in it', () => {
    const kinds = ['message', 'edit', 'redact', 'react', 'read', 'set', 'member', 'pin', 'delta', 'stop', 'unknown']
    expect(new Set(rows.map(([, { kind }]) => kind))).toEqual(new Set(kinds))
  })
})

describe('the last owner', () => {
  test('[POLICY1] neither leaves nor steps down', () => {
    const alone = viewOf('owner', { admin: 'admin' })
    expect(judge(alone, author, member('ann', null))).toBe('last-owner')
    expect(judge(alone, author, member('ann', 'admin'))).toBe('last-owner')
    expect(judge(alone, author, member('ann', 'reader'))).toBe('last-owner')
    expect(judge(alone, author, member('ann', 'owner'))).toBeUndefined()
  })

  test('[POLICY1] whatever members do, there is always an owner, and no admin makes one', () => {
    const names = ['ann', 'boss', 'cid', 'dan']
    const steps = fc.array(
      fc.record({
        by: fc.constantFrom(...names).map(userId),
        user: fc.constantFrom(...names).map(userId),
        access: fc.constantFrom<Access | null>(...accessLevels, null),
      }),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(steps, (list) => {
        const members = new Map<UserId, Access>([[author, 'owner']])
        const view: PolicyView = {
          accessOf: (user) => members.get(user),
          ownerCount: () => [...members.values()].filter((level) => level === 'owner').length,
          claimOf: () => undefined,
          nextSeq: () => 0,
          ...roomy,
        }
        for (const { by, user, access } of list) {
          if (judge(view, by, { kind: 'member', user, access }) !== undefined) continue
          const raises = access === 'owner' || access === 'admin'
          expect(!raises || members.get(by) === 'owner').toBe(true)
          if (access === null) members.delete(user)
          else members.set(user, access)
          expect(view.ownerCount()).toBeGreaterThan(0)
        }
      }),
      { seed: announceSeed('POLICY1 owners'), numRuns: 1_000 },
    )
  })
})

describe('what is full', () => {
  const react = (emoji: string, on = true): Entry => ({ kind: 'react', of: ids.unseen, emoji, on })
  const verdict = (entry: Entry, full: Partial<PolicyView>): VoidReason | 'ok' =>
    judge({ ...viewOf('owner', others), ...full }, author, entry) ?? 'ok'
  const reacted = (reactions: readonly Reaction[]): Partial<PolicyView> => ({
    claimOf: () => ({ user: boss, complete: true, message: { reactions } }),
  })

  test('[POLICY1][TOUCH2] one more emoji than a message may have is too many; what is there may grow, and be taken back', () => {
    const many = Array.from({ length: limits.emojiPerMessage }, (_, index) => ({ emoji: `${index}`, users: [boss] }))
    expect(verdict(react('new'), reacted(many.slice(1)))).toBe('ok')
    expect(verdict(react('new'), reacted(many))).toBe('too-many')
    expect(verdict(react('0'), reacted(many))).toBe('ok')
    expect(verdict(react('new', false), reacted(many))).toBe('ok')
  })

  test('[POLICY1][TOUCH2] an emoji in which there is nothing to see is bad-schema, unless it is taken back', () => {
    const blank = [' ', '\u00a0\t', '\u200b', '\u200d\ufe0f', '\u2800', '\u3164', '\u0000', '\u{e0020}', '\ud83d']
    for (const emoji of blank) {
      expect(verdict(react(emoji), reacted([]))).toBe('bad-schema')
      expect(verdict(react(emoji, false), reacted([]))).toBe('ok')
    }
    const visible = ['👍🏽', '❤️', '👩‍👩‍👧‍👦', ':)', '1️⃣', '🏴\u{e0067}\u{e0062}\u{e007f}', 'a b', '©', '🇩🇪']
    for (const emoji of visible) expect(verdict(react(emoji), reacted([]))).toBe('ok')
  })

  test('[POLICY1][TOUCH2] one more reaction than a message may have is too many, unless it is there already', () => {
    const users = Array.from({ length: limits.reactionsPerMessage - 1 }, (_, index) => userId(`user-${index}`))
    expect(verdict(react('a'), reacted([{ emoji: 'a', users }]))).toBe('ok')
    expect(verdict(react('a'), reacted([{ emoji: 'a', users: [...users, boss] }]))).toBe('too-many')
    expect(verdict(react('a'), reacted([{ emoji: 'a', users: [...users, author] }]))).toBe('ok')
  })

  test('[POLICY1][TOUCH2] a claim whose message is not here to be looked at keeps nobody from trying', () => {
    const unseen = { claimOf: () => ({ user: author, complete: true }) }
    expect([verdict(react('a'), unseen), verdict(edit(ids.unseen), unseen)]).toEqual(['ok', 'ok'])
  })

  test('[POLICY1][TOUCH2] one more pin than a conversation may have is too many, unless it is pinned', () => {
    const pin = (on: boolean): Entry => ({ kind: 'pin', of: ids.theirs, on })
    const full = { pinCount: () => limits.pins }
    expect(verdict(pin(true), { pinCount: () => limits.pins - 1 })).toBe('ok')
    expect(verdict(pin(true), full)).toBe('too-many')
    expect(verdict(pin(true), { ...full, isPinned: () => true })).toBe('ok')
    expect(verdict(pin(false), full)).toBe('ok')
  })

  test('[POLICY1] one more member than a conversation may have is too many; those who are there may be changed', () => {
    const full = { memberCount: () => limits.members }
    expect(verdict(member('new', 'reader'), { memberCount: () => limits.members - 1 })).toBe('ok')
    expect(verdict(member('new', 'reader'), full)).toBe('too-many')
    expect(verdict(member('writer', 'reader'), full)).toBe('ok')
    expect(verdict(member('writer', null), full)).toBe('ok')
  })

  test('[POLICY1][THREAD3] one more register of a thread than there is room for is too many, unless it is there', () => {
    const read: Entry = { kind: 'read', through: 0, thread: ids.theirs }
    const left = limits.threadReadsBytes - threadReadBytes(author)
    expect(verdict(read, { threadReadsBytes: () => left })).toBe('ok')
    expect(verdict(read, { threadReadsBytes: () => left + 1 })).toBe('too-many')
    const own = { threadReadsBytes: () => left + 1, threadReadsOf: () => new Map([[ids.theirs, 0]]) }
    expect(verdict(read, own)).toBe('ok')
  })

  test('[POLICY1] settings beyond their bytes are too large, and clearing one is always allowed', () => {
    const set = (value: unknown): Entry => ({ kind: 'set', key: 'colour', value })
    const left = limits.settingsBytes - settingBytes('colour', 'blue')
    expect(verdict(set('blue'), { settingsBytesWithout: () => left })).toBe('ok')
    expect(verdict(set('blue'), { settingsBytesWithout: () => left + 1 })).toBe('too-large')
    expect(verdict(set(null), { settingsBytesWithout: () => limits.settingsBytes })).toBe('ok')
  })
})

describe('reasons', () => {
  test('[POLICY1] a verdict is a known reason, and who may less never may more', () => {
    for (const [, entry] of rows) {
      const judged = authors.map((access): VoidReason | 'ok' => judge(viewOf(access, others), author, entry) ?? 'ok')
      expect(judged.filter((verdict) => verdict !== 'ok' && !voidReasons.includes(verdict))).toEqual([])
      const refused = judged.findIndex((verdict) => verdict !== 'ok')
      expect(judged.slice(refused)).not.toContain('ok')
      expect(judged.at(-1)).toBe('access')
    }
  })

  test('[POLICY1] a reason of a later version is kept apart', () => {
    for (const reason of voidReasons) expect(parseVoidReason(reason)).toBe(reason)
    expect(['', 'later', '__proto__', 'constructor'].map(parseVoidReason)).toEqual([
      'unknown',
      'unknown',
      'unknown',
      'unknown',
    ])
  })
})

/**
 * The shapes of the REST API for zod: inputs are parsed with them, answers are described by them in openapi.json (tests
 * hold the answers to it; at run time they are not checked again). Kept in step with `shared/rest.ts`.
 */

import { z } from 'zod'
import { accessLevels } from '../../shared/chat/access.ts'
import { parseMessageId } from '../../shared/chat/entry.ts'
import { besideTitleFlaw } from '../../shared/chat/known-settings.ts'
import { invitedAccesses } from '../../shared/chat/invitation.ts'
import { parseProfileColor, parseProfileName } from '../../shared/chat/profile.ts'
import { limits } from '../../shared/limits.ts'
import { parseUserId } from '../../shared/sync/ids.ts'

const uuidV7Text = z.string().meta({ format: 'uuid', description: 'UUIDv7 in lower case' })
const userText = z.string().meta({ pattern: '^[!-.0-~]{1,128}$', description: 'Visible ASCII other than /' })
const time = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC, with milliseconds' })
const seq = z.int().min(0)
const access = z.enum(accessLevels)
const role = z.enum(['user', 'assistant'])

/** Text that one of our parsers takes; what is documented is the text. */
function parsed<T>(text: z.ZodString, parse: (value: unknown) => T | undefined, expected: string) {
  return text.transform((value, context): T => {
    const result = parse(value)
    if (result !== undefined) return result
    context.issues.push({ code: 'custom', message: `Invalid input: expected ${expected}`, input: value })
    return z.NEVER
  })
}

export const messageId = parsed(uuidV7Text, parseMessageId, 'a UUIDv7 in lower case')
export const userId = parsed(userText, parseUserId, '1 to 128 visible ASCII characters other than /')

/** A whole number in a query; both bounds are allowed. */
export function queryNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^[0-9]+$/)
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({ type: 'integer', minimum: min, maximum: max })
}

/** A query parameter that may be given several times. */
export function queryList<T extends z.ZodType>(each: T, most: number) {
  return z.preprocess((value): unknown => (Array.isArray(value) ? value : [value]), z.array(each).max(most))
}

const title = z.string().max(limits.titleLength).nullable()
const settings = z
  .record(z.string(), z.unknown())
  .superRefine((values, context) => {
    const keys = Object.keys(values)
    if (keys.length > limits.settingsPerRequest)
      context.addIssue({ code: 'custom', message: `More than ${limits.settingsPerRequest} at once` })
    for (const key of keys) {
      const message = besideTitleFlaw(key, values[key])
      if (message !== undefined) context.addIssue({ code: 'custom', message, path: [key] })
    }
  })
  .describe(
    `By key, any JSON; null clears. At most ${limits.settingsPerRequest}. \`history\`: \`all\` or \`from-join\`, what members who join later are told; \`wipe\`: whether devices of whoever is removed delete it; other keys are for applications`,
  )
const member = z.object({ user: userId, access })

export const newConversation = z.object({
  title: title.exactOptional(),
  settings: settings.exactOptional(),
  members: z
    .array(member)
    .max(limits.initialMembers)
    .refine((members) => new Set(members.map(({ user }) => user)).size === members.length, 'A user is named twice')
    .exactOptional(),
})
export const conversationPatch = z
  .object({ title: title.exactOptional(), settings: settings.exactOptional() })
  .refine(
    (changes) => changes.title !== undefined || Object.keys(changes.settings ?? {}).length > 0,
    'Neither a title nor settings',
  )
export const memberAccess = z.object({ access })
export const demoTokenRequest = z.object({ user: userId })

export const messagePatch = z.object({
  content: z.string().refine((content) => content.trim() !== '', 'Blank'),
})
export const readRequest = z
  .object({
    through: seq.exactOptional(),
    received: seq.exactOptional(),
    thread: messageId.exactOptional(),
    private: z
      .boolean()
      .describe('True: your own devices are told, and nobody else; of `through` alone')
      .exactOptional(),
  })
  .refine(({ through, received }) => through !== undefined || received !== undefined, 'Neither through nor received')
  .refine(
    ({ through, received, private: isPrivate }) =>
      isPrivate !== true || (through !== undefined && received === undefined),
    'In private: through, and not received',
  )
export const emoji = z
  .string()
  .refine((text) => text !== '' && Buffer.byteLength(text) <= limits.emojiBytes, `1 to ${limits.emojiBytes} bytes`)

const color = z.string().meta({ pattern: '^#[0-9a-f]{6}$' })
const seconds = (longestMs: number) =>
  z
    .int()
    .min(1)
    .max(longestMs / 1000)

export const newInvitation = z.object({
  access: z.enum(invitedAccesses).exactOptional(),
  expires_in_s: seconds(limits.longestInvitationMs).describe('7 days when not given').exactOptional(),
  uses: z
    .int()
    .min(1)
    .max(limits.invitationUses)
    .nullable()
    .describe('1 when not given; null: any number')
    .exactOptional(),
})
export const profilePatch = z.object({
  name: parsed(
    z.string(),
    parseProfileName,
    `1 to ${limits.profileNameLength} characters, none of them control characters`,
  )
    .nullable()
    .exactOptional(),
  color: parsed(color, parseProfileColor, '#rrggbb').nullable().exactOptional(),
})

const part = z.record(z.string(), z.unknown())

export const newMessage = z.object({
  role,
  content: z.string(),
  id: messageId.exactOptional(),
  reply_to: messageId.exactOptional(),
  thread: messageId.exactOptional(),
  parent: messageId.exactOptional(),
  mentions: z.array(userId).max(limits.mentionsPerMessage).exactOptional(),
  parts: z.array(part).exactOptional(),
  status: z.string().exactOptional(),
})

export const restErrorShape = z
  .object({
    detail: z.string().describe('For people'),
    code: z.string().describe('For programs'),
    fields: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('What is wrong where'),
  })
  .meta({ id: 'Error' })

const message = z.object({
  id: uuidV7Text,
  conversation_id: uuidV7Text,
  user_id: userText,
  role,
  content: z.string(),
  created_at: time.describe("The server's time"),
  written_at: time.describe("The author's clock"),
  seq,
  revision: seq.describe('Seq of the last entry that changed it; its own before that'),
  edited_at: time.optional(),
  reactions: z
    .array(z.object({ emoji: z.string(), users: z.array(userText) }))
    .optional()
    .describe('By the time of their first reaction, users by that of theirs'),
  redacted_at: time.optional().describe('When its content was taken away'),
  redacted_by: userText.optional(),
  pinned: z.literal(true).optional(),
  replies: z
    .object({ count: z.int().min(1), users: z.array(userText), last_at: time })
    .optional()
    .describe('Of the root of a thread; users by the time of their first reply'),
  reply_to: uuidV7Text.optional(),
  thread: uuidV7Text.optional(),
  parent: uuidV7Text.optional(),
  mentions: z.array(userText).optional(),
  parts: z.array(part).optional(),
  status: z.string().optional(),
})
export const messageShape = message.meta({ id: 'Message' })

const version = z.object({
  content: z.string(),
  written_at: time.describe("The author's clock"),
  created_at: time.describe("The server's time"),
  seq: seq.describe('Of the message itself, or of the edit'),
})
export const versionsShape = z.object({ items: z.array(version) })

const conversation = z.object({
  id: uuidV7Text,
  title: z.string().nullable(),
  access: access.describe('Of whoever asks'),
  created_at: time,
  updated_at: time,
  last_seq: seq.nullable(),
})
const allSettings = z.record(z.string(), z.unknown()).describe('All but the title, by key')
export const conversationShape = conversation.extend({ settings: allSettings }).meta({ id: 'Conversation' })

const count = z.int().min(0).max(limits.unreadCount)

const ownConversation = conversation.extend({
  unread: count.describe("Others' messages behind read_through that are not redacted"),
  mentions: count.describe('Those of them that mention whoever asks'),
  read_through: seq.nullable().describe('As far as whoever asks has read, in private or not: they alone are told'),
  received: seq.nullable().describe('As far as others are told'),
  history_from: seq.nullable().describe('The first entry that whoever asks is told of; null: all'),
})
export const ownConversationShape = ownConversation
  .extend({
    settings: allSettings,
    read_threads: z
      .record(z.string(), seq)
      .optional()
      .describe(
        'Threads that were read beyond read_through, by their roots: up to which seq; absent when there are none',
      ),
  })
  .meta({ id: 'OwnConversation' })

export const conversationPageShape = z.object({
  items: z.array(ownConversation.extend({ last_message: messageShape.nullable() })),
  next_cursor: z.string().nullable(),
})

export const readShape = z.object({ through: seq.nullable(), received: seq.nullable() })
export const threadShape = z.object({
  root: messageShape,
  unread: count.describe("Others' messages in it behind read_through that are not redacted"),
  mentions: count,
  read_through: seq.nullable(),
})
export const privateStateShape = z.object({ items: z.array(z.object({ key: z.string(), value: z.unknown() })) })
export const privateValue = z.object({ value: z.unknown() })
export const pinsShape = z.object({ items: z.array(messageShape) })

const happened = z.object({ seq, user_id: userText.describe('Who did it'), created_at: time })
export const eventsShape = z.object({
  items: z.array(
    z.discriminatedUnion('kind', [
      happened.extend({
        kind: z.literal('member'),
        member: userText,
        access: access.nullable().describe('Null: removed'),
        invitation_id: uuidV7Text.exactOptional().describe('They joined with this one, which user_id had made'),
      }),
      happened.extend({ kind: z.literal('pin'), message_id: uuidV7Text, on: z.boolean() }),
      happened.extend({
        kind: z.literal('set'),
        key: z.string(),
        value: z.unknown().optional().describe('Absent where it is very long; null: cleared'),
      }),
    ]),
  ),
})

export const memberShape = z.object({ user: userText, access }).meta({ id: 'Member' })
export const membersShape = z.object({
  items: z.array(
    memberShape.extend({
      name: z.string().optional(),
      color: color.optional(),
      read_through: seq.nullable().describe('Null: nothing, or nothing that you are told of'),
      received: seq.nullable().describe('By a device of theirs; never before read_through'),
    }),
  ),
})

const invitation = z.object({
  id: uuidV7Text,
  access,
  expires_at: time,
  uses_left: z.int().min(1).nullable().describe('Null: any number'),
  created_by: userText,
  created_at: time,
})
export const invitationsShape = z.object({ items: z.array(invitation) })
export const invitationShape = invitation
  .extend({ token: z.string().describe('Told only here: the server keeps none') })
  .meta({ id: 'Invitation' })

const profile = z.object({ user: userText, name: z.string().nullable(), color: color.nullable() })
export const ownProfileShape = profile.extend({ updated_at: time.nullable() }).meta({ id: 'OwnProfile' })
export const profilesShape = z.object({ items: z.array(profile) })

export const accountErasure = z.object({
  messages: z.enum(['keep', 'erase']).describe('Whether your messages and reactions stay where you wrote them'),
})
export const erasureShape = z.object({ left: z.int().min(1).describe('Conversations that you have not left yet') })

const ofMessage = z.object({ conversation_id: uuidV7Text, message_id: uuidV7Text })
export const exportLine = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('account'), format: z.literal(1), user: userText, exported_at: time }),
  z.object({
    kind: z.literal('profile'),
    name: z.string().nullable(),
    color: z.string().nullable(),
    updated_at: time,
  }),
  z.object({ kind: z.literal('state'), key: z.string(), value: z.unknown() }),
  ownConversation.extend({ kind: z.literal('conversation'), members: z.array(z.object({ user: userText, access })) }),
  message.extend({ kind: z.literal('message'), versions: z.array(version).optional().describe('When it was edited') }),
  ofMessage.extend({ kind: z.literal('reaction'), emoji: z.string() }),
  ofMessage.extend({ kind: z.literal('pin') }),
  z.object({ kind: z.literal('unreadable'), conversation_id: uuidV7Text }),
  z.object({ kind: z.literal('end') }),
])

const crc = z.int().min(0).max(0xffff_ffff).describe('CRC-32 of the payload as it was received')

export const chainShape = z.object({
  client: z.int().min(0),
  next_clock: z.int().min(0),
  entries: z.array(
    z.union([
      z.object({ clock: z.int().min(0), state: z.literal('accepted'), seq, crc }),
      z.object({ clock: z.int().min(0), state: z.literal('void'), reason: z.string(), crc }),
    ]),
  ),
})

export const ticketShape = z.object({ ticket: z.string(), expires_at: time })
export const tokenShape = z.object({ token: z.string(), user: userText, expires_at: time })
export const healthShape = z.object({ status: z.literal('ok') })
export const readyShape = healthShape.extend({
  warnings: z.array(z.string()).describe('What is wrong although it serves'),
})

// What an entry is and who may write it, once more: from the tables of SPEC.md, not from the code, to be held against it.
// Knows no test runner and no bytes but those of one payload.

export type Fields = Readonly<Record<string, unknown>>

export type ReadPayload =
  | { readonly kind: 'entry'; readonly fields: Fields; readonly at: number | undefined }
  | { readonly kind: 'bad'; readonly reason: string }

/** What the rules look at. */
export interface Rulebook {
  readonly access: ReadonlyMap<string, string>
  /** By message id: whose it is, and whether a message with it was accepted. */
  readonly claims: ReadonlyMap<string, { readonly user: string; readonly complete: boolean }>
  /** Ids of messages in threads: they are no roots. */
  readonly threaded: ReadonlySet<string>
  /** Ids of messages whose content was taken away. */
  readonly redacted: ReadonlySet<string>
  /** Entries accepted so far, void ones included. */
  readonly length: number
}

const ranks = ['reader', 'writer', 'admin', 'owner']
const entryBytes = 256 * 1024
const deepest = 64

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isNonBlank: Check = (value) => typeof value === 'string' && value.trim() !== ''
const isFlag: Check = (value) => typeof value === 'boolean'
const isCount: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isUser: Check = (value) => typeof value === 'string' && /^[\x21-\x2e\x30-\x7e]{1,128}$/.test(value)
const isUuid: Check = (value) =>
  typeof value === 'string' && /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const listOf =
  (check: Check, most = Number.POSITIVE_INFINITY): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check)

const schemas: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  message: {
    id: isUuid,
    role: (value) => value === 'user' || value === 'assistant',
    content: isText,
    at: isCount,
    replyTo: optional(isUuid),
    thread: optional(isUuid),
    parent: optional(isUuid),
    mentions: optional(listOf(isUser, 100)),
    parts: optional(listOf(isObject)),
    status: optional(isText),
  },
  edit: { of: isUuid, content: isNonBlank, at: isCount },
  redact: { of: isUuid },
  react: {
    of: isUuid,
    emoji: (value) => typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 32,
    on: isFlag,
  },
  read: { through: optional(isCount), received: optional(isCount), thread: optional(isUuid) },
  set: {
    key: (value) => typeof value === 'string' && value.length >= 1 && value.length <= 128,
    value: (value) => value !== undefined,
  },
  member: {
    user: isUser,
    access: (value) => value === null || (typeof value === 'string' && ranks.includes(value)),
    invitation: (value) => value === undefined,
  },
  pin: { of: isUuid, on: isFlag },
  delta: { of: isUuid, text: isText },
  stop: { of: isUuid },
}

/** Whether the fields of a kind make sense together. */
function fits(fields: Fields): boolean {
  const { kind, content, parts, through, received, key, value } = fields
  if (kind === 'message') return isNonBlank(content) || (Array.isArray(parts) && parts.length > 0)
  if (kind === 'read') return through !== undefined || received !== undefined
  if (kind === 'set' && key === 'title') return value === null || (typeof value === 'string' && value.length <= 200)
  return true
}

export function readPayload(payload: Uint8Array): ReadPayload {
  if (payload.length > entryBytes) return { kind: 'bad', reason: 'too-large' }
  if (payload[0] !== 1) return { kind: 'bad', reason: payload[0] === 2 ? 'sealed' : 'bad-format' }
  let fields: unknown
  try {
    fields = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload.subarray(1)))
  } catch {
    // Not UTF-8 or not JSON: the verdict says so.
    return { kind: 'bad', reason: 'bad-json' }
  }
  if (!isObject(fields) || isDeep(fields, deepest)) return { kind: 'bad', reason: 'bad-json' }
  const { kind, at } = fields
  if (typeof kind !== 'string') return { kind: 'bad', reason: 'bad-schema' }
  const schema = Object.hasOwn(schemas, kind) ? schemas[kind] : undefined
  const time = typeof at === 'number' && isCount(at) ? at : undefined
  if (schema === undefined) return { kind: 'entry', fields, at: time }
  const whole = fields
  const isGood = Object.entries(schema).every(([name, check]) => check(whole[name])) && fits(fields)
  if (!isGood) return { kind: 'bad', reason: 'bad-schema' }
  return { kind: 'entry', fields, at: 'at' in schema ? time : undefined }
}

function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeep(inner, levels - 1))
}

/** Why an entry is void, by the rules of access and targets; undefined when it is not. */
export function verdictOf(
  { access, claims, threaded, redacted, length }: Rulebook,
  author: string,
  fields: Fields,
): string | undefined {
  const rank = rankOf(access.get(author))
  const claim = claims.get(String(fields['kind'] === 'message' ? fields['id'] : fields['of']))
  const needs = (name: string): string | undefined => (rank < rankOf(name) ? 'access' : undefined)
  const isTarget = claim === undefined ? 'no-target' : undefined
  const isWhole = claim?.complete === true ? undefined : 'no-target'
  const isThere = redacted.has(String(fields['of'])) ? 'redacted' : undefined
  const { thread, mentions = [] } = fields
  const isRoot = claims.get(String(thread))?.complete === true && !threaded.has(String(thread))
  const isAnswer = thread === undefined || isRoot ? undefined : 'no-target'
  switch (fields['kind']) {
    case 'message': {
      const isStrange = Array.isArray(mentions) && mentions.some((one) => !access.has(String(one)))
      return needs('writer') ?? isFree(claim, author) ?? isAnswer ?? (isStrange ? 'not-member' : undefined)
    }
    case 'delta':
      return needs('writer') ?? isFree(claim, author)
    case 'edit':
      return needs('writer') ?? isWhole ?? (claim?.user === author ? isThere : 'not-author')
    case 'redact':
      return (
        needs('writer') ?? isTarget ?? (claim?.user === author || rank >= rankOf('admin') ? undefined : 'not-author')
      )
    case 'react':
      return (
        needs('writer') ?? (fields['on'] === true && String(fields['emoji']).trim() === '' ? 'bad-schema' : isWhole)
      )
    case 'stop':
      return needs('writer') ?? isTarget
    case 'pin':
      return needs('admin') ?? isWhole
    case 'set':
      return needs('admin')
    case 'read': {
      const furthest = Math.max(Number(fields['through'] ?? 0), Number(fields['received'] ?? 0))
      return needs('reader') ?? (furthest > length - 1 ? 'beyond-end' : isAnswer)
    }
    case 'member':
      return memberVerdict(access, author, String(fields['user']), fields['access'])
    default:
      return needs('writer')
  }
}

function isFree(
  claim: { readonly user: string; readonly complete: boolean } | undefined,
  author: string,
): string | undefined {
  if (claim === undefined) return undefined
  if (claim.user !== author) return 'id-taken'
  return claim.complete ? 'duplicate' : undefined
}

function memberVerdict(
  access: ReadonlyMap<string, string>,
  author: string,
  user: string,
  wanted: unknown,
): string | undefined {
  const [own, before] = [rankOf(access.get(author)), rankOf(access.get(user))]
  const after = typeof wanted === 'string' ? rankOf(wanted) : -1
  const leaves = user === author && after < 0 && own >= 0
  if (!leaves && own < rankOf('admin')) return 'access'
  if (!leaves && own < rankOf('owner') && Math.max(before, after) >= rankOf('admin')) return 'access'
  const owners = [...access.values()].filter((one) => one === 'owner').length
  if (access.get(user) === 'owner' && wanted !== 'owner' && owners === 1) return 'last-owner'
  return after < 0 && before < 0 ? 'no-target' : undefined
}

/** -1 for nobody. */
function rankOf(access: string | undefined): number {
  return access === undefined ? -1 : ranks.indexOf(access)
}

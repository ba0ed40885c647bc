/** Every limit by name, with its unit in the name and the reason beside it. */

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

export const limits = {
  /** One entry's payload: a long answer fits, a file does not; the same for both roles. */
  entryBytes: 256 * kibibyte,
  /** A frame on the stock endpoint: a device back after a year sends its whole backlog as one step2. */
  stockFrameBytes: 64 * mebibyte,
  /** Fresh entries judged and committed in one go, so that a backlog does not hold up other members. */
  entriesPerSlice: 1024,
  /** Clocks without bytes that one update may claim: clients delete nothing, and a run of them costs its sender nothing. */
  deletedClocksPerUpdate: 1024,
  /** Separate runs of void entries on one chain: each is told to every device at every sync; honest chains have a few. */
  voidRunsPerChain: 1024,
  /** A device needs one chain for each tab it ever had open at once; more is a client that forgets its ids. */
  newChainsPerUserPerDay: 64,
  /** Sections of an update, one for each chain: as many as a state vector has entries. */
  sectionsPerUpdate: 65_536,
  /** Entries of a state vector: 1,000 dead chains start a new epoch, so this is far beyond honest. */
  stateVectorEntries: 65_536,
  /** People mentioned in one message: a notification each. */
  mentionsPerMessage: 100,
  /** Bytes of an emoji with all its joiners and skin tones. */
  emojiBytes: 32,
  /** UTF-16 units of the key of a setting. */
  settingKeyLength: 128,
  /** UTF-16 units of a title: a line in a list. */
  titleLength: 200,
  /** Members named when a conversation is created; later ones are added one by one. */
  initialMembers: 1000,
  /** Nesting of a value in a section that is none of ours: it is read over, with a little memory for each level. */
  foreignValueDepth: 1024,
  /** JSON nesting of an entry: deeper ones cost a stack in every client. */
  jsonDepth: 64,
  /** A REST body: an entry's payload, escaped. */
  restBodyBytes: mebibyte,
  /** Messages in one answer of the REST API. */
  pageMessages: 200,
  /** Messages in one answer when the request does not say. */
  defaultPageMessages: 50,
  /** Conversations in one answer of the REST API. */
  pageConversations: 200,
  /** Unread counts stop here: nobody reads a larger badge. */
  unreadCount: 999,
  /** Accepted bytes on their way to the disk, per conversation: beyond it the sender waits. */
  uncommittedBytes: 4 * mebibyte,
  /** Bytes received from one socket and not yet handled: beyond it the server stops reading from it. */
  unhandledBytes: mebibyte,
  /** What a frame that waits costs beside its bytes: else a flood of tiny ones would cost memory a hundred times theirs. */
  frameOverheadBytes: 256,
  /** Life of a ticket: long enough to open a socket with it, too short to be found in a log in time. */
  ticketMs: 30_000,
  /** Unspent tickets: one for each conversation that a device opens when its connection comes back. */
  unspentTicketsPerUser: 1000,
  /** Life of a token of the demo mode. */
  demoTokenMs: 30 * 24 * 60 * 60 * 1000,
  /** Clocks of servers differ; also what jose calls clock tolerance. */
  tokenLeewaySeconds: 30,
  /** A stock provider closes after 30 s of silence and looks every 3 s. */
  heartbeatMs: 20_000,
  /** Bytes waiting for one socket at which it is closed. */
  socketBufferHardBytes: 64 * mebibyte,
  /** How long a live conversation without sockets stays in memory. */
  idleConversationMs: 60_000,
} as const

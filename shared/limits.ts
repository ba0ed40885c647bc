/** Every limit by name, with its unit in the name and the reason beside it. */

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

export const limits = {
  /** One entry's payload: a long answer fits, a file does not; the same for both roles. */
  entryBytes: 256 * kibibyte,
  /** A frame on the stock endpoint: a device back after a year sends its whole backlog as one step2. */
  stockFrameBytes: 64 * mebibyte,
  /** A frame on the multiplexed endpoint: conversations share the socket, and none may keep the others waiting for long. */
  frameBytes: mebibyte,
  /** Channel numbers are drawn once each in the life of a socket; they stay within what bit operations hold. */
  highestChannel: 0x7fff_ffff,
  /** Channels open at once on one socket: each keeps a conversation in memory. */
  channelsPerSocket: 1000,
  /** Conversations whose version a device states when it says hello: the frame limit holds three times as many. */
  statedVersions: 5000,
  /** Versions that are stated in a hello, or told as its answer, for the price of one entry: so much work they are. */
  versionsPerEntry: 50,
  /** A hello that would have to wait longer for its answer is refused: devices give up on who does not answer in 15 s. */
  helloPatienceMs: 10_000,
  /** UTF-16 units of the name of a device. */
  deviceNameLength: 64,
  /** States read of one awareness update: a stock client sends its own, and those it heard of in the same moment. */
  awarenessStates: 64,
  /** An awareness update: a few states of a line each. */
  awarenessBytes: 64 * kibibyte,
  /** A connection is no longer shown when it was not heard of for so long: stock clients speak every 15 s. */
  presenceMs: 40_000,
  /** Channels of one user on one conversation, over all sockets: a device has one, or one for each tab; each hears all others. */
  followersPerUser: 64,
  /** Pause in which activity and presence are gathered before devices are told: short for a person, long beside a commit. */
  gatheringPauseMs: 100,
  /** What one user may send to sockets, and have them answer with, for as long as they like. */
  bytesPerSecondPerUser: 8 * mebibyte,
  /** What a user may send and ask for at once before that counts: two of the largest frames. */
  burstBytesPerUser: 128 * mebibyte,
  /** Whoever would have to be slowed down for longer is told to come back later. */
  longestSlowDownMs: 300_000,
  /** Activity told in one frame, so that it stays below the frame limit. */
  activitiesPerFrame: 2000,
  /** Time to say hello on the multiplexed endpoint, and to be known on either: nothing is decoded before. */
  helloMs: 5000,
  /** What is still read of a peer that is closed before it was known: its close frame, behind what was under way. */
  farewellBytes: mebibyte,
  /** How long a peer that was told the end may take to answer. */
  farewellMs: 10_000,
  /** A token: as long as all headers of a request may be. */
  tokenLength: 16 * kibibyte,
  /** Sockets of one address that have not said who they are; many devices can stand behind one router or proxy. */
  strangersPerAddress: 256,
  /** Bytes waiting for one socket at which it is relayed nothing more until they are gone; then it goes on from the log. */
  socketBufferSoftBytes: mebibyte,
  /** Entries sent to a device in one go when it catches up: it shows them while the next ones are read. */
  entriesPerCatchUp: 1024,
  /** Payloads sent in one go when a device catches up: what is read of the log for it at once, whatever it asks for. */
  bytesPerCatchUp: mebibyte,
  /** Live entries of a document, pieces of streams aside: beyond it the oldest are archived. Opening costs about what these cost. */
  windowEntries: 1024,
  /** Bytes of their payloads, all together. */
  windowBytes: 256 * kibibyte,
  /** What is left in the document then: half, so that archiving is not for ever. */
  keptEntries: 512,
  keptBytes: 128 * kibibyte,
  /** The newest that stay however large they are: a screen full. With entries of `entryBytes` they take 8 MiB, and as many as 12. */
  keptAtLeast: 32,
  /** Messages that a device fetches of the archive in one go. */
  archivePageMessages: 200,
  /** Fresh entries judged and committed in one go, so that a backlog does not hold up other members. */
  entriesPerSlice: 1024,
  /** Messages that are changed in one go: each is written anew, and may have an entry's payload and all its reactions. */
  touchedPerSlice: 64,
  /** Clocks without bytes that one update may claim: clients delete nothing, and a run of them costs its sender nothing. */
  deletedClocksPerUpdate: 1024,
  /** Places in one record of superseded entries: whoever reads it walks over all of them. */
  supersededPerRecord: 1024,
  /** Separate runs of void entries on one chain: each is told to every device at every sync; honest chains have a few. */
  voidRunsPerChain: 1024,
  /** Chains of which nothing is left: every device keeps a little of each, so beyond it a new epoch does without them. */
  deadChains: 1000,
  /** Conversations named in a warning: enough to look for what happened, and one line. */
  namedInWarning: 5,
  /** A device needs one chain for each tab it ever had open at once; more is a client that forgets its ids. */
  newChainsPerUserPerDay: 64,
  /** Chains gone on with in an update whose beginning is not known here, and that are looked up: more are no device's own. */
  unnamedChainsPerUpdate: 256,
  /** Sections of an update, one for each chain: as many as a state vector has entries. */
  sectionsPerUpdate: 65_536,
  /** Documents that a client builds anew before one of them was of use: more would go round in circles. */
  rebuildsInARow: 3,
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
  /** Different emoji on one message: a line under it. */
  emojiPerMessage: 20,
  /** Reactions to one message, of all users together: its row is written anew at each. */
  reactionsPerMessage: 2000,
  /** Users named at the root of a thread: a line under it, which is written anew at each reply. */
  threadUsers: 50,
  /** Threads that a member has read beyond what they have read of all: of the room for that, nobody takes more than a seventh. */
  threadReadsPerMember: 200,
  /** What the read registers of threads take in a checkpoint at most, all members together: it has to fit in a frame with the rest. */
  threadReadsBytes: 96 * kibibyte,
  /** Threads of a conversation that a user has read in private, beyond all that they have read of it: some 100 bytes each. */
  privateThreadReads: 200,
  /** Bytes of the private state of a user as JSON: no members stand beside it in the checkpoint. */
  privateBytes: 768 * kibibyte,
  /** Members of a conversation: a checkpoint names them all, and has to fit in a frame. */
  members: 5000,
  /** What they take there at most, with their registers: names of 45 bytes when there are so many. */
  membersBytes: 768 * kibibyte,
  /** Bytes of all settings of a conversation as JSON, for the same reason. */
  settingsBytes: 128 * kibibyte,
  /** Settings that one request changes or begins with: each is an entry, and all of them are one commit. */
  settingsPerRequest: 100,
  /** Pinned messages: a list that people read. */
  pins: 100,
  /** JSON nesting of an entry: deeper ones cost a stack in every client. */
  jsonDepth: 64,
  /** A REST body: an entry's payload, escaped. */
  restBodyBytes: mebibyte,
  /** Messages in one answer of the REST API. */
  pageMessages: 200,
  /** Messages in one answer when the request does not say. */
  defaultPageMessages: 50,
  /** Earlier versions of a message in one answer: more than anybody looks through. */
  versions: 100,
  /** Bytes of their contents: about as much as a browser takes in without a pause. */
  versionBytes: 4 * mebibyte,
  /** Messages read in one go of an account that is exported or erased: each may have an entry's payload, and all its reactions. */
  messagesPerAccountPage: 50,
  /** Entries that one request to erase an account writes: a few seconds of a slow disk. */
  erasedEntriesPerRequest: 1000,
  /** Messages that it looks through for those of the user. */
  erasedMessagesPerRequest: 20_000,
  /** Accounts that are being erased, of which it is remembered how far that has come: a place each. */
  accountsBeingErased: 1000,
  /** Conversations in one answer of the REST API. */
  pageConversations: 200,
  /** Unread counts stop here: nobody reads a larger badge. */
  unreadCount: 999,
  /** Unread counts that the server remembers, one for each member of each conversation that is asked for: a MiB or two. */
  unreadCounts: 10_000,
  /** Conversations in one batch from which on there is load enough for the next to wait for more. */
  commitSiblings: 5,
  /** How long it waits then: less than the disk takes, and no person sees it. */
  commitDelayMs: 4,
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
  /** How long a token that was proved need not be proved again: the key of a JWKS may be withdrawn. */
  provedTokenMs: 60_000,
  /** Tokens remembered as proved: one for each device of a large site, a few MiB in all. */
  provedTokens: 10_000,
  /** Clocks of servers differ; also what jose calls clock tolerance. */
  tokenLeewaySeconds: 30,
  /** What one user may write for as long as they like: far more than people type, and a fraction of what the disk takes. */
  entriesPerSecondPerUser: 1000,
  /** What a user who wrote nothing for a while may write at once: a phone back after weeks is not slowed down. */
  burstEntriesPerUser: 5000,
  /** A REST request that would have to wait longer to be written is refused: held ones cost a connection each. */
  restPatienceMs: 2000,
  /** Answers to what one user reads that are made or sent at a time: each can have 50 MiB, and takes twice that while it is made. */
  readsAtOnce: 4,
  /** Requests of the user that wait for that; what comes on top is refused. */
  readsWaiting: 1000,
  /** A whole request: the largest body at 35 KiB a second. */
  httpRequestMs: 30_000,
  /** Its headers, and the time until the first byte of it: whoever trickles them holds a connection with nothing. */
  httpHeadersMs: 15_000,
  /** Silence while a request is under way, in both directions: an answer that is not read is given up. */
  httpSilenceMs: 60_000,
  /** A connection without a request: longer than the 60 s after which proxies stop using theirs, so that they end first. */
  httpKeepAliveMs: 72_000,
  /** How often the two times above of requests are looked at: they end that much late at most. */
  httpCheckMs: 5000,
  /** All headers of a request: a large token, with room for what a proxy adds. */
  httpHeaderBytes: 16 * kibibyte,
  /** Requests on one connection: what a client that does not wait for answers can have under way in it. */
  requestsPerConnection: 1000,
  /** Connections, sockets included: each is an open file, and the store must not run out of those. */
  connections: 20_000,
  /** Fetching the keys of a JWKS: less than `helloMs`, so that a socket that waits for it is told to come back, not to stop. */
  jwksTimeoutMs: 3000,
  /** After a fetch that failed the next is tried this much later: a provider that comes up again is not run over. */
  jwksPauseMs: 5000,
  /** Keys are fetched for an unknown key id this often at most: anybody can make up ids. */
  jwksCoolDownMs: 30_000,
  /** Keys in use are fetched again this often, so that a withdrawn one is soon no good. */
  jwksRefreshMs: 5 * 60 * 1000,
  /** Keys that could not be fetched again are good for this long: a provider's short outage signs nobody out. */
  jwksMaxAgeMs: 60 * 60 * 1000,
  /** A JWKS: hundreds of keys. */
  jwksBytes: 256 * kibibyte,
  /** A stock provider closes after 30 s of silence and looks every 3 s. */
  heartbeatMs: 20_000,
  /** Silence after which a device gives its multiplexed socket up: two beats of the above did not come. */
  silenceMs: 45_000,
  /** Bytes waiting for one socket at which it is closed. */
  socketBufferHardBytes: 64 * mebibyte,
  /** So many failed writes within the time below end the process: opening the store again has not helped. */
  storeFailures: 3,
  storeFailureWindowMs: 60_000,
  /** UTF-16 units of a name that people choose for themselves: two lines beside a message. */
  profileNameLength: 80,
  /** Users in one answer of a search: a list that is looked over while somebody types. */
  pageUsers: 50,
  defaultPageUsers: 20,
  /** UTF-16 units of what is looked for: the longest user id. */
  userSearchLength: 128,
  /** Conversations among whose members a search looks, those with the newest activity first: nobody remembers more. */
  searchedConversations: 100,
  /** Users among whom a search looks: their rows are read each time, some 30 ms of work. */
  searchedUsers: 2000,
  /** A search costs its user as much as so many entries do, and the server too: it reads thousands of rows. */
  entriesPerUserSearch: 100,
  /** Life of an invitation that does not say: who gets a link uses it within days. */
  invitationMs: 7 * 24 * 60 * 60 * 1000,
  /** The longest: a link is forgotten before the people who should not have it are. */
  longestInvitationMs: 30 * 24 * 60 * 60 * 1000,
  /** Uses of an invitation that counts them. */
  invitationUses: 1000,
  /** Invitations of a conversation that work at the same time: a list that people read. */
  invitations: 100,
  /** Places of a conversation of which one request asks who appears there: a page of a list, in a URL of a few hundred bytes. */
  profilePlaces: 50,
  /** Users in the answer: their rows are read each time, some 10 ms of work; a message that everybody reacted to has more. */
  profilesPerAnswer: 500,
  /** How long a device goes by the profiles of a conversation's members before it asks again, when something happens there. */
  profilesFreshMs: 5 * 60 * 1000,
  /** How long a live conversation without sockets stays in memory. */
  idleConversationMs: 60_000,
  /** Typing ends when it was not said again for so long: two words' time, and the next key says it again. */
  typingMs: 6000,
  /** Typing is said again this often at most while keys are pressed: one of two such messages may be late. */
  typingRepeatMs: 3000,
  /** A device tells how far its user has come in a conversation this often at most: each time is an entry for everybody. */
  receiptPauseMs: 3000,
  /** A device writes a draft that changes this often at most: another device shows it soon enough, and it is an entry each time. */
  draftPauseMs: 2000,
  /** The same while the server has not taken the one before: hours of typing offline stay a few hundred entries. */
  unsentDraftPauseMs: 10_000,
  /** What arrives is gathered before it is told: most of the time it is read at once, and one entry says both. */
  receivedPauseMs: 1000,
  /** Members up to which devices tell what they received: each message is an entry of each of the others. */
  receiptMembers: 100,
  /** Messages that are searched on a device: some 200 bytes of text and 1 KB of index each. */
  searchedMessages: 200_000,
  /** Words of a query that count: nobody remembers more of what they look for. */
  searchTerms: 32,
  /** UTF-16 units of a word that are indexed: what is longer is no word. */
  searchTermLength: 64,
  /** Hits of a query: a list that people read. */
  searchHits: 200,
  /** Messages that are indexed in one go: a few ms on the thread that does it, and what a query waits for at most. */
  searchSliceMessages: 256,
  /** Messages read from the device in one go: some 5 ms, for whoever uses the application meanwhile. */
  searchReadMessages: 256,
  /** UTF-16 units of a setting's value as JSON that its event tells: a title in it, and nothing that makes a list heavy. */
  eventValueLength: 2000,
  /** Events of a page: some 200 bytes each. */
  pageEvents: 200,
  /** Events of before the window that a device keeps of a conversation, in its line of the list: some 10 KB. */
  keptEvents: 64,
  /** A worker that has not answered by then has died: a slice takes it a hundredth of that. */
  searchWorkerMs: 15_000,
} as const

/** The server as a library: what a program that embeds Parley starts with. */

export { type Config, type ReadConfig, readConfig } from './config.ts'
export { type RunningServer, type ServerDeps, startServer } from './server.ts'
export { type ConversationStore, StoreError, type StoreErrorCode } from './storage/conversation-store.ts'
export { openLevelStore } from './storage/level/level-store.ts'
export { createMemoryStore } from './storage/memory/memory-store.ts'

// A room with a history that several scenarios begin with: people who took turns.
import { startLoad, type Room, type Target } from './processes.ts'

export const chains = 30

export interface HistoryOptions {
  readonly messages: number
  /** A few at a time are as many stamps as people talking make; many at a time are written sooner. */
  readonly perUpdate: number
}

/** The users of every room with a history; each has one chain in it. */
export const users: readonly string[] = Array.from({ length: chains }, (_, index) => `user-${index}`)

/** Makes a room and writes the messages `0` to `messages - 1` into it, by thirty people. The floor keeps none. */
export async function roomWithHistory(
  target: Pick<Target, 'room'>,
  { messages, perUpdate }: HistoryOptions,
): Promise<Room> {
  const room = await target.room(users)
  const writers = users.map(room.seat)
  const [reader] = writers
  if (reader === undefined || reader.dialect === 'relay') return room
  const backlog = await startLoad('backlog', { reader, writers })
  await backlog.run({ first: 0, messages, perUpdate })
  await backlog.close()
  return room
}

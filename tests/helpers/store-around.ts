// A store with something around whatever it is asked. Knows no test runner.
import type { ConversationStore } from '../../server/storage/conversation-store.ts'

/** `around` answers in place of the method `name`; `ask` asks the store. */
export function storeAround(
  inner: ConversationStore,
  around: (name: string, ask: () => unknown, asked: readonly unknown[]) => unknown,
): ConversationStore {
  return new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...asked: unknown[]): unknown => around(String(name), () => Reflect.apply(value, target, asked), asked)
    },
  })
}

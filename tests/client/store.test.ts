// A value with subscribers.
import { expect, test } from 'vitest'

import { createStore } from '../../client/store.ts'

test('subscribers hear of each change until they end it', () => {
  const store = createStore(1)
  const heard: string[] = []
  const end = store.subscribe(() => heard.push(`a${store.getSnapshot()}`))
  store.subscribe(() => heard.push(`b${store.getSnapshot()}`))
  store.set(2)
  end()
  end()
  store.set(3)
  expect(heard).toEqual(['a2', 'b2', 'b3'])
})

test('the same value is no change', () => {
  const value = { a: 1 }
  const store = createStore(value)
  let heard = 0
  store.subscribe(() => heard++)
  store.set(value)
  expect(heard).toBe(0)
  store.set({ a: 1 })
  expect(heard).toBe(1)
  expect(store.getSnapshot()).not.toBe(value)
})

test('who ends or begins while being told disturbs nobody', () => {
  const store = createStore(0)
  const heard: string[] = []
  const end = store.subscribe(() => {
    heard.push('a')
    end()
    store.subscribe(() => heard.push('c'))
  })
  store.subscribe(() => heard.push('b'))
  store.set(1)
  expect(heard).toEqual(['a', 'b'])
  store.set(2)
  expect(heard).toEqual(['a', 'b', 'b', 'c'])
})

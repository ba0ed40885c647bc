import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { onHide, onWake } from '../../client/wake.ts'

let page: EventTarget
let look: EventTarget & { visibilityState: string }

beforeEach(() => {
  page = new EventTarget()
  look = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('document', look)
})
afterEach(() => vi.unstubAllGlobals())

function turn(visibilityState: string): void {
  look.visibilityState = visibilityState
  look.dispatchEvent(new Event('visibilitychange'))
}

test('[MUX4] a page wakes when the network is back and when somebody looks at it again, not when they look away', () => {
  const wake = vi.fn<() => void>()
  onWake(wake)
  expect(wake).toHaveBeenCalledTimes(0)
  page.dispatchEvent(new Event('online'))
  expect(wake).toHaveBeenCalledTimes(1)
  turn('hidden')
  expect(wake).toHaveBeenCalledTimes(1)
  turn('visible')
  expect(wake).toHaveBeenCalledTimes(2)
})

test('[MUX4] once it is ended it listens to nothing', () => {
  const wake = vi.fn<() => void>()
  const end = onWake(wake)
  end()
  page.dispatchEvent(new Event('online'))
  turn('visible')
  expect(wake).not.toHaveBeenCalled()
})

test('[MUX4] a worker has no page to look at: the network alone wakes it', () => {
  vi.stubGlobal('document', undefined)
  const wake = vi.fn<() => void>()
  const end = onWake(wake)
  page.dispatchEvent(new Event('online'))
  expect(wake).toHaveBeenCalledTimes(1)
  end()
})

test('[RECEIPT1] a page hides when nobody looks any more and when it is left, and a worker never does', () => {
  const hide = vi.fn<() => void>()
  const end = onHide(hide)
  turn('visible')
  page.dispatchEvent(new Event('online'))
  expect(hide).not.toHaveBeenCalled()
  turn('hidden')
  page.dispatchEvent(new Event('pagehide'))
  expect(hide).toHaveBeenCalledTimes(2)
  end()
  vi.stubGlobal('document', undefined)
  onHide(hide)
  page.dispatchEvent(new Event('pagehide'))
  turn('hidden')
  expect(hide).toHaveBeenCalledTimes(2)
})

/**
 * Asks for the lines of conversations that moved, a burst of news at a time: as many of the newest as there were news, for
 * those that moved are the newest.
 */

export interface ListRefresh {
  /** So many more have moved. */
  readonly need: (count: number) => void
  /** The order of what moved is not known yet. */
  readonly isBusy: () => boolean
  readonly close: () => void
}

/** Steady news cost a request in this time. */
const pauseMs = 2000

/** `load` fetches that many of the newest; `onSettled` follows each, whatever came of it. */
export function createListRefresh(load: (count: number) => Promise<void>, onSettled: () => void): ListRefresh {
  let wanted = 0
  let isBusy = false
  let isClosed = false
  let pause: ReturnType<typeof setTimeout> | undefined

  function proceed(): void {
    if (isBusy || isClosed || pause !== undefined || wanted === 0) return
    const count = wanted
    wanted = 0
    isBusy = true
    // The lines stay as they are until the next news, or until the application asks.
    void load(count)
      .catch(() => undefined)
      .then(() => {
        isBusy = false
        if (isClosed) return
        pause = setTimeout(() => {
          pause = undefined
          proceed()
        }, pauseMs)
        onSettled()
      })
  }

  return {
    need: (count) => {
      wanted += count
      proceed()
    },
    isBusy: () => isBusy,
    close: () => {
      isClosed = true
      clearTimeout(pause)
    },
  }
}

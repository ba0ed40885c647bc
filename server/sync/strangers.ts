/** How many sockets of each address have not said yet who they are: only so many of them may keep the server waiting. */

export class Strangers {
  readonly #most: number
  readonly #counts = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Undefined when there are too many of this address; else to be called when it is known, or gone. */
  admit(remoteAddress: string): (() => void) | undefined {
    const address = networkOf(remoteAddress)
    const count = this.#counts.get(address) ?? 0
    if (count >= this.#most) return undefined
    this.#counts.set(address, count + 1)
    let isCounted = true
    return () => {
      if (!isCounted) return
      isCounted = false
      const left = (this.#counts.get(address) ?? 1) - 1
      if (left === 0) this.#counts.delete(address)
      else this.#counts.set(address, left)
    }
  }
}

/** An IPv6 address is cut down to what one customer is given, 64 bits: whoever has one address has all of those. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '')
  if (tail !== undefined) while (groups.length + after.length < 8) groups.push('0')
  return [...groups, ...after].slice(0, 4).join(':')
}

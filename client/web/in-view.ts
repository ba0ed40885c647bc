/** Which messages of a timeline are in view, by their places on the screen. Messages stand one below the other. */

/** What scrolls, and the list of messages in it. */
export interface Scene {
  readonly scroller: Element
  readonly content: Element
}

/** The first message of which something is in view. */
export function firstInView({ scroller, content }: Scene): Element | undefined {
  const messages = messagesIn(content)
  return messages[firstEndingBelow(messages, scroller.getBoundingClientRect().top)]
}

/** Seq of the last message by somebody else whose end is in view or was scrolled past. */
export function lastSeen({ scroller, content }: Scene): number | undefined {
  const messages = messagesIn(content)
  // Half a pixel is lost to rounding.
  for (let at = firstEndingBelow(messages, scroller.getBoundingClientRect().bottom + 1) - 1; at >= 0; at--) {
    const message = messages[at]
    if (!(message instanceof HTMLElement)) continue
    const { own, seq } = message.dataset
    if (own === 'false' && seq !== undefined) return Number(seq)
  }
  return undefined
}

/** How far below the upper edge of what scrolls an element stands, in CSS pixels. */
export function topWithin(scroller: Element, element: Element): number {
  return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top
}

function messagesIn(content: Element): HTMLCollectionOf<Element> {
  return content.getElementsByClassName('message')
}

/** By halving: hundreds of messages are asked for their places at every scrolling. */
function firstEndingBelow(messages: HTMLCollectionOf<Element>, y: number): number {
  let [low, high] = [0, messages.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((messages[middle]?.getBoundingClientRect().bottom ?? 0) > y) high = middle
    else low = middle + 1
  }
  return low
}

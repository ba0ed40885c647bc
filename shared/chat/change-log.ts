/**
 * Where something has changed that grows and changes in few places, so that whoever follows it looks at nothing else.
 * Knows neither what changes nor who follows.
 */

/** How far a log had come. */
export interface ChangeMark<Place> {
  readonly log: ChangeLog<Place>
  readonly version: number
}

/** Changes that a log remembers: a follower who is further behind looks at everything once. */
const remembered = 4096

export class ChangeLog<Place> {
  #places: Place[] = []
  /** Version before the first of them. */
  #first = 0

  /** The thing at `place` is new or another. */
  note(place: Place): void {
    this.#places.push(place)
    if (this.#places.length <= remembered) return
    const forgotten = this.#places.length >>> 1
    this.#places = this.#places.slice(forgotten)
    this.#first += forgotten
  }

  /** Everything may be elsewhere. */
  restart(): void {
    this.#first += this.#places.length + 1
    this.#places = []
  }

  mark(): ChangeMark<Place> {
    return { log: this, version: this.#first + this.#places.length }
  }

  between(earlier: number, later: number): readonly Place[] | undefined {
    return earlier < this.#first ? undefined : this.#places.slice(earlier - this.#first, later - this.#first)
  }
}

/** In order, some perhaps more than once; undefined: any, or all, may have changed. */
export function changedSince<Place>(
  now: ChangeMark<Place> | undefined,
  earlier: ChangeMark<Place> | undefined,
): readonly Place[] | undefined {
  return now === undefined || earlier?.log !== now.log ? undefined : now.log.between(earlier.version, now.version)
}

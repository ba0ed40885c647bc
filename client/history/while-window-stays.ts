/** Something out of the archive, as it stands by now. */

/** What `look` finds. `through` is the end of the archive: what left the window meanwhile would be missing in it, and it looks again. */
export async function whileWindowStays<T>(look: () => Promise<T>, through: () => number): Promise<T> {
  for (;;) {
    const before = through()
    const found = await look()
    if (before === through()) return found
  }
}

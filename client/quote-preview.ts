/** The beginning of a text, cut where a reader would: never within a character as people see it. */

/** UTF-16 units of a preview at most: two lines of a chat. */
const previewUnits = 200

/** What people see as one character has seldom more units; of what has more, only the beginning is looked at. */
const longestCluster = 64

const segmenter =
  typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : undefined

export function previewOf(text: string): string {
  if (text.length <= previewUnits) return text
  let end = 0
  for (const { index } of segmenter?.segment(text.slice(0, previewUnits + longestCluster)) ?? []) {
    if (index > previewUnits) break
    end = index
  }
  return text.slice(0, end === 0 ? wholeUnits(text) : end)
}

/** Without segments, or where one alone is longer: at least no half of a surrogate pair. */
function wholeUnits(text: string): number {
  const last = text.charCodeAt(previewUnits - 1)
  return last >= 0xd800 && last <= 0xdbff ? previewUnits - 1 : previewUnits
}

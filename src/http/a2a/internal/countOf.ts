/** A number of things, as a program names it: a whole one, above zero. */
export const countOf = (field: string, count: number, things: string, example: number): number => {
  if (Number.isSafeInteger(count) && count > 0) return count
  throw new TypeError(`${field}: ${count} is no number of ${things}; write it as ${example}`)
}

/** Whether a text stands anywhere in a value: in a result, an error or a cause whose shape is not known. */

export const mentions = (value: unknown, text: string): boolean => search(value, text, new Set())

const search = (value: unknown, text: string, seen: Set<object>): boolean => {
  if (typeof value === "string") return value.includes(text)
  if (typeof value !== "object" || value === null || seen.has(value)) return false
  seen.add(value)
  if (value instanceof Map || value instanceof Set)
    return Array.from<unknown>(value).some((one) => search(one, text, seen))
  // The message of an error is a property of its own, but not one that is enumerated.
  return Object.getOwnPropertyNames(value).some((key) => search((value as Record<string, unknown>)[key], text, seen))
}

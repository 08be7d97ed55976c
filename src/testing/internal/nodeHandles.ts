/** What Node holds open, by kind. Elsewhere than on Node nothing is known, and nothing is said. */

const kinds = /Timeout|TCP|UDP|TLS|Pipe|Process|Worker|MessagePort|FSEvent|StatWatcher/

export const handlesNow = (): ReadonlyArray<string> =>
  (globalThis.process?.getActiveResourcesInfo?.() ?? []).filter((kind) => kinds.test(kind))

/** What there is more of than `before`: `2 Timeout`. */
export const handlesBeyond = (before: ReadonlyArray<string>): ReadonlyArray<string> => {
  const more = new Map<string, number>()
  for (const kind of handlesNow()) more.set(kind, (more.get(kind) ?? 0) + 1)
  for (const kind of before) more.set(kind, (more.get(kind) ?? 0) - 1)
  return Array.from(more)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`)
}

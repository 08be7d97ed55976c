/** What a journal says otherwise than the prediction. Within one instant only the order of what is nested is law. */
import { lineOf, type TaskEntry, type TaskJournal } from "../../src/testing/TaskJournal.ts"
import type { Prediction } from "./predict.ts"

export const differenceOf = (journal: TaskJournal, prediction: Prediction): string | undefined => {
  const seen = countsOf(journal.entries, prediction)
  const expected = countsOf(prediction.entries, prediction)
  const missing = [...expected].filter(([line, count]) => (seen.get(line) ?? 0) < count).map(([line]) => line)
  const surplus = [...seen].filter(([line, count]) => (expected.get(line) ?? 0) < count).map(([line]) => line)
  if (missing.length + surplus.length > 0) {
    return [...missing.map((line) => `- ${line}`), ...surplus.map((line) => `+ ${line}`)].join("\n")
  }
  return wrongOrder(journal.entries, prediction)
}

const countsOf = (entries: ReadonlyArray<TaskEntry>, prediction: Prediction): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const entry of entries) {
    if (isAdrift(entry, prediction)) continue
    const line = lineOf({ ...entry, text: plainText(entry.text) })
    counts.set(line, (counts.get(line) ?? 0) + 1)
  }
  return counts
}

const isAdrift = ({ at, what, who }: TaskEntry, { adrift }: Prediction): boolean => {
  const since = adrift.get(who)
  return since !== undefined && (at > since || (at === since && what !== "ended"))
}

/** An interrupt that comes with failures: how they combine is Effect's affair. */
const plainText = (text: string): string =>
  text.replaceAll(/(?:[^\s,;+]+\+)*interrupt(?:\+[^\s,;+]+)*(?=[,;]|$)/g, "interrupt")

/** K15: the finalizers of one scope, last acquired first. */
const wrongOrder = (entries: ReadonlyArray<TaskEntry>, prediction: Prediction): string | undefined => {
  const scopes = new Map<string, Array<string>>()
  for (const entry of prediction.entries) {
    if (entry.what !== "cleans" || isAdrift(entry, prediction)) continue
    const names = scopes.get(entry.path!)
    if (names === undefined) scopes.set(entry.path!, [entry.who])
    else names.push(entry.who)
  }
  for (const [scope, names] of scopes) {
    const seen = entries.filter(({ what, who }) => what === "cleans" && names.includes(who)).map(({ who }) => who)
    if (seen.join() !== names.join()) return `${scope} cleans up ${seen.join()} instead of ${names.join()}`
  }
  return undefined
}

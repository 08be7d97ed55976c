/** What is printed: how many there are, a line for each mutant as it ends, a table by topic, and in full whatever is not simply killed. */
import type { MutantList } from "../Mutant.ts"
import { isGood, type Result, type Verdict } from "./Verdict.ts"

const kinds = ["Killed", "Hung", "Survived", "Broken", "DoesNotApply"] as const

export const line = ({ mutant, verdict, took }: Result): string =>
  `${verdict._tag.padEnd(12)} ${seconds(took).padStart(7)}  ${mutant.law.padEnd(8)} ${mutant.name}${reasonOf(verdict)}`

const reasonOf = (verdict: Verdict): string => {
  switch (verdict._tag) {
    case "Killed":
    case "Hung":
      return `\n${" ".repeat(23)}by ${verdict.test} › ${verdict.title}`
    case "Broken":
    case "DoesNotApply":
      return `\n${" ".repeat(23)}${verdict.why}`
    case "Survived":
      return ""
  }
}

/** `elapsed` in milliseconds. */
export const table = (results: ReadonlyArray<Result>, elapsed: number): string => {
  const topics = Map.groupBy(results, ({ topic }) => topic)
  const row = (label: string, of: ReadonlyArray<Result>): ReadonlyArray<string> => [
    label,
    String(of.length),
    ...kinds.map((kind) => String(of.filter(({ verdict }) => verdict._tag === kind).length))
  ]
  const rows = [
    ["topic", "mutants", "killed", "hung", "survived", "broken", "not applied"],
    ...Array.from(topics, ([topic, of]) => row(topic, of)),
    row("all", results)
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)))
  const lines = rows.map((cells) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  ")
  )
  const listed = kinds.slice(1).flatMap((kind) => {
    const of = results.filter(({ verdict }) => verdict._tag === kind)
    return of.length === 0 ? [] : ["", `${kind}:`, ...of.map((result) => `  ${result.mutant.file}  ${line(result)}`)]
  })
  const good = results.filter(({ verdict }) => isGood(verdict)).length
  return [...lines, ...listed, "", `${good} of ${results.length} were noticed, in ${seconds(elapsed)}`].join("\n")
}

/** "fibers 12, http 3: 15 mutants" */
export const counts = (lists: ReadonlyArray<MutantList>): string => {
  const folders = Map.groupBy(lists, ({ topic }) => topic.split("/")[0]!)
  const parts = Array.from(folders, ([folder, some]) => `${folder} ${total(some)}`)
  return `${parts.join(", ")}: ${total(lists)} mutants`
}

const total = (lists: ReadonlyArray<MutantList>): number => lists.reduce((sum, { mutants }) => sum + mutants.length, 0)

export const json = (results: ReadonlyArray<Result>, elapsed: number): string =>
  JSON.stringify({
    elapsed: Math.round(elapsed),
    mutants: results.map(({ topic, mutant: { name, law, file }, verdict, took }) => ({
      topic,
      name,
      law,
      file,
      verdict,
      took: Math.round(took)
    }))
  })

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

/**
 * What happened while a `TaskPlan` ran, in order: every start and stop, every
 * finalizer with the reason that it read, how each task and member ended, what
 * races and joins reported. `problem` says what no run of any plan may show.
 *
 * @since 0.1.0
 */
import type { TaskOutcome } from "../fibers/TaskOutcome.ts"

/**
 * `who` is a name of the plan. `starts` and `stops` are of what it runs, `cleans`
 * and `cleaned` of a finalizer, `ended` is the decided outcome of a task or
 * member, `report` what a combinator returned, `answer` what a cancel got.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskEntry {
  /** Milliseconds since the plan began. */
  readonly at: number
  readonly who: string
  readonly what: "starts" | "stops" | "cleans" | "cleaned" | "ended" | "report" | "answer"
  readonly text: string
  /** For `ended`: the names from the root task down to this one, with slashes between. */
  readonly path?: string | undefined
  /** For `ended`: a cancel gave up on it, and it may run on. */
  readonly givenUp?: boolean | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export class TaskJournal {
  readonly entries: Array<TaskEntry> = []
  /** Of the root task, once it has ended. */
  outcome: TaskOutcome<void, unknown> | undefined = undefined

  /** A line each: `12 race3a stops: interrupt, lost-race/race3b/race3`. */
  get lines(): ReadonlyArray<string> {
    return this.entries.map(lineOf)
  }

  /**
   * Undefined if all that started has stopped, and cleaned up, once, leaves first.
   * Where a cancel gave up on something, that may still run.
   */
  get problem(): string | undefined {
    return (
      pairs(this.entries, "starts", "stops") ??
      pairs(this.entries, "cleans", "cleaned") ??
      twice(this.entries) ??
      rootFirst(this.entries)
    )
  }
}

/**
 * @category reading
 * @since 0.1.0
 */
export const lineOf = ({ at, text, what, who }: TaskEntry): string =>
  `${at} ${who} ${what}${text === "" ? "" : `: ${text}`}`

const pairs = (entries: ReadonlyArray<TaskEntry>, from: string, to: string): string | undefined => {
  const open = new Map<string, number>()
  for (const { what, who } of entries) {
    if (what === from) open.set(who, (open.get(who) ?? 0) + 1)
    if (what === to) open.set(who, (open.get(who) ?? 0) - 1)
  }
  const mayRun = entries.some(({ givenUp }) => givenUp === true)
  for (const [who, count] of open) {
    if (count < 0 || (count > 0 && !mayRun))
      return `${who} ${from} ${count > 0 ? "but never" : "less often than it"} ${to}`
  }
  return undefined
}

const twice = (entries: ReadonlyArray<TaskEntry>): string | undefined => {
  const ended = new Set<string>()
  for (const { path, what } of entries) {
    if (what !== "ended") continue
    if (ended.has(path!)) return `${path} ended twice`
    ended.add(path!)
  }
  return undefined
}

const isBelow =
  (path: string) =>
  (above: string): boolean =>
    path.startsWith(`${above}/`)

/** What a cancel gave up on, and what runs below it, ends when it likes. */
const rootFirst = (entries: ReadonlyArray<TaskEntry>): string | undefined => {
  const ended: Array<string> = []
  const adrift: Array<string> = []
  for (const entry of entries) {
    const { path, what } = entry
    if (what !== "ended") continue
    const above = ended.find(isBelow(path!))
    if (above !== undefined && !adrift.some(isBelow(path!))) return `${above} ended before ${path}`
    if (entry.givenUp === true) adrift.push(path!)
    ended.push(path!)
  }
  return undefined
}

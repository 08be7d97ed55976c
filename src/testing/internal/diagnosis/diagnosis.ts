/**
 * Runs a failing schedule once more, watched, and says in lines of text which operation the cancel struck, where things
 * were opened that were not closed, and who still waits for what. A run that waits for the host is told from one that
 * is stuck by itself.
 */
import * as Effect from "effect/Effect"
import { Stragglers } from "../../../fibers/Stragglers.ts"
import * as TaskTree from "../../../fibers/TaskTree.ts"
import { CurrentNode } from "../../../fibers/internal/currentNode.ts"
import type { Finding, Kind } from "../../Finding.ts"
import type { Program, Trial } from "../../Trial.ts"
import { Functions } from "./functions.ts"
import { callerOf, type HostCall } from "./hostCalls.ts"
import { forgetSources, ofOperation, placesOf, show, usersOf, where } from "./places.ts"
import { findPlace, type Found, isExit, kindOf, nameOf, type Position } from "./positions.ts"
import type { Standing, Struck } from "./standing.ts"
import { type Parts, runTrial, type TrialSettings } from "../trial.ts"
import { Watch } from "./watch.ts"

export interface Diagnosis {
  readonly lines: ReadonlyArray<string>
  /** What it waits for, if that is not of this world. */
  readonly escaped: string | undefined
}

/** Of that run; `findings` are what is wrong with it. */
export const diagnose = <A, E>(
  program: Program<A, E>,
  settings: TrialSettings,
  trial: Trial<A, E>,
  findings: ReadonlyArray<Finding>
): Diagnosis => {
  const { watch, trial: again, tree } = watched(program, settings)
  const reading = new Reading(watch)
  // oxlint-disable-next-line repository/effect-only -- the engine's inspector must be let go whatever happens
  try {
    return reading.diagnosis(trial, again, tree, findings)
  } finally {
    reading.close()
  }
}

const thrown = ({ kind, cause }: Finding): ReadonlyArray<string> => {
  const place = cause instanceof Error ? usersOf(placesOf(cause.stack)) : undefined
  const who = kind === "invariant" ? "the invariant" : kind === "died" ? "the program" : "clean-up"
  return place === undefined ? [] : [`${who} threw in ${show(place)}`]
}

const waits: ReadonlyArray<Kind> = ["stuck", "endless", "fiber-left", "timer-left", "scope-left", "straggler-left"]

/** Who asks the host for time or chance, in a run of that schedule. */
export const chanceIn = <A, E>(program: Program<A, E>, settings: TrialSettings): ReadonlyArray<string> => {
  const { watch } = watched(program, settings)
  forgetSources()
  const callers = watch.chance.flatMap((call) => {
    const place = callerOf(call)
    return place === undefined ? [] : [`${call.name} in ${show(place)}`]
  })
  return Array.from(new Set(callers)).slice(0, most)
}

const most = 6

const watched = <A, E>(program: Program<A, E>, settings: TrialSettings) => {
  let tree: ReadonlyArray<string> = []
  const watch = new Watch((parts) => {
    tree = treeOf(parts)
  })
  const trial = watch.during(() => runTrial(program, { ...settings, watcher: watch }))
  return { watch, trial, tree }
}

const mostNodes = 12

const treeOf = ({ node, root, stragglers }: Parts): ReadonlyArray<string> => {
  if (node.live === 0) return []
  const snapshot = TaskTree.snapshot.pipe(
    Effect.provideService(CurrentNode, root),
    Effect.provideService(Stragglers, stragglers as Set<never>)
  )
  // Without the root, which is the run's own.
  const lines = TaskTree.toText(Effect.runSync(snapshot))
    .split("\n")
    .slice(1)
    .map((line) => line.slice(2))
  return [
    "the tree then:",
    ...lines.slice(0, mostNodes).map((line) => `  ${line}`),
    ...(lines.length > mostNodes ? [`  and ${lines.length - mostNodes} more`] : [])
  ]
}

const difference = (trial: Trial, again: Trial): ReadonlyArray<string> => {
  if (trial.points === again.points && trial.steps === again.steps && trial.outcome?._tag === again.outcome?._tag) {
    return []
  }
  return [
    `watched, the same schedule went another way (${again.points} points instead of ${trial.points}): what is said of places may not fit`
  ]
}

const toIt = { itself: "by", inside: "by", ahead: "right before", near: "near" } as const

const hasOwnClock = "has a Clock of its own, which no checker moves on: leave it out, time passes by itself here"

/** What a watch has seen, in words. */
class Reading {
  private readonly watch: Watch
  private readonly functions = new Functions()

  constructor(watch: Watch) {
    this.watch = watch
    forgetSources()
  }

  close(): void {
    this.functions.close()
  }

  private pauses(): ReadonlyArray<string> {
    return this.watch.paused.map((standing) => `${standing.name} paused ${this.before(standing.position)}`)
  }

  private late(): ReadonlyArray<string> {
    const lates = this.watch.parts?.world.lates ?? 0
    return lates === 0 ? [] : [`time passed ${lates === 1 ? "once" : `${lates} times`} although somebody could run`]
  }

  diagnosis(trial: Trial, again: Trial, tree: ReadonlyArray<string>, findings: ReadonlyArray<Finding>): Diagnosis {
    const kinds = new Set(findings.map(({ kind }) => kind))
    const escaped = kinds.has("stuck") ? this.escapes() : undefined
    const lines = [
      ...this.pauses(),
      ...this.late(),
      ...this.cancels(),
      ...findings.flatMap(thrown),
      ...(kinds.has("not-released") ? this.opened(trial) : []),
      ...(kinds.has("released-twice") ? this.closedTwice(trial) : []),
      ...(kinds.has("work-after-cancel") ? this.lateWork() : []),
      ...(kinds.has("slow") ? this.lateSleeps() : []),
      ...(escaped === undefined && waits.some((kind) => kinds.has(kind)) ? this.left() : []),
      ...(kinds.has("stuck") && escaped === undefined ? tree : []),
      ...this.outside(),
      ...difference(trial, again)
    ]
    return { lines, escaped }
  }

  private cancels(): ReadonlyArray<string> {
    return this.watch.struck.flatMap((struck) => this.cancel(struck))
  }

  private cancel({ point, before, others }: Struck): ReadonlyArray<string> {
    const at = `point ${point}`
    if (before !== undefined) return [`${at}: ${this.before(before.position)}${this.whose(before)}`]
    if (others.every(({ started }) => !started)) return [`${at}: before anything began`]
    if (others.length === 1) return [`${at}: while ${others[0]!.name} ${this.stands(others[0]!)}`]
    return [`${at}: between turns, while`, ...this.list(others)]
  }

  private opened({ ledger }: Trial): ReadonlyArray<string> {
    // The same schedule opens the same things in the same order.
    const left = ledger.opened.flatMap(({ released }, index) => {
      const opened = this.watch.opened[index]
      return released > 0 || opened === undefined ? [] : [opened]
    })
    return left.slice(0, most).flatMap((opened) => this.done(opened, "was opened"))
  }

  private closedTwice({ ledger }: Trial): ReadonlyArray<string> {
    const twice = new Set(ledger.opened.filter(({ released }) => released > 1).map(({ name }) => name))
    const closes = this.watch.closed.filter(([name]) => twice.has(name))
    return closes.slice(0, most).flatMap((close) => this.done(close, "was closed"))
  }

  private lateWork(): ReadonlyArray<string> {
    return this.watch.lateWork.slice(0, most).flatMap((work) => this.done(work, "was done"))
  }

  private lateSleeps(): ReadonlyArray<string> {
    return this.watch.lateSleeps.slice(0, most).flatMap(([name, position]) => {
      const found = this.find(position)
      return found === undefined ? [] : [`after the cancel: ${name} in ${show(found.place)}`]
    })
  }

  private done([name, position]: readonly [name: string, position: Position], what: string): ReadonlyArray<string> {
    const found = this.find(position)
    if (found === undefined) return []
    return [`"${name}" ${what} ${toIt[found.how]} ${show(found.place)}`]
  }

  private left(): ReadonlyArray<string> {
    const { left } = this.watch
    const clocks = left.flatMap(({ name, ownClock }) => (ownClock ? [`${name} ${hasOwnClock}`] : []))
    return left.length === 0 ? [] : ["not ended:", ...this.list(left), ...clocks.slice(0, 1)]
  }

  /** Fibers that wait for the host. */
  private escapes(): string | undefined {
    const waiting = this.watch.left.flatMap((standing) => {
      const calls = standing.watched.calls.filter(({ fiber }) => fiber?.pollUnsafe() === undefined)
      return calls.length === 0 ? [] : [this.escape(standing, calls)]
    })
    return waiting.length === 0 ? undefined : Array.from(new Set(waiting)).slice(0, most).join("; ")
  }

  private escape({ name, position }: Standing, calls: ReadonlyArray<HostCall>): string {
    const call = calls.find(({ name }) => name !== "a promise") ?? calls[0]!
    const place = callerOf(call)
    if (place !== undefined) return `${name} waits for ${call.name}, called by ${show(place)}`
    const operation = nameOf(position, this.watch.sites, this.functions)
    const found = this.find(position)
    return `${name} waits for ${call.name}${found === undefined ? "" : ` made by ${show(found.place)}`} (${operation})`
  }

  /** Fibers that the program started with a runtime of their own. */
  private outside(): ReadonlyArray<string> {
    const places = this.watch.outside.flatMap((stack) => {
      const place = usersOf(ofOperation(stack))
      return place === undefined ? [] : [show(place)]
    })
    return Array.from(
      new Set(places),
      (place) => `a fiber was run outside of this world, and goes on unseen and uncounted: ${place}`
    )
  }

  private list(standing: ReadonlyArray<Standing>): ReadonlyArray<string> {
    return [
      ...standing.slice(0, most).map((one) => `  ${one.name}${this.forkedAt(one)} ${this.stands(one)}`),
      ...(standing.length > most ? [`  and ${standing.length - most} more`] : [])
    ]
  }

  private stands({ position, started, held }: Standing): string {
    if (!started) return "has not begun"
    if (held) return `is held ${this.before(position)}`
    const found = this.find(position)
    const name = nameOf(position, this.watch.sites, this.functions)
    const waits = position.primitive !== undefined && kindOf(position.primitive) === "Async" ? "waits in" : "is in"
    if (found === undefined) return `${waits} ${name}`
    if (found.how === "ahead" || found.how === "near") return `${waits} ${name} ${toIt[found.how]} ${show(found.place)}`
    return `${waits} ${show(found.place)}${found.how === "inside" ? ` (${name})` : ""}`
  }

  /** Before which operation. */
  private before(position: Position): string {
    const found = this.find(position)
    const result = position.primitive !== undefined && isExit(position.primitive)
    const name = nameOf(position, this.watch.sites, this.functions)
    if (found === undefined) return result ? "at the end of an operation" : `before ${name}`
    if (found.how === "itself") return `before ${show(found.place)}`
    if (found.how !== "inside") return `${result ? "" : `before ${name}, `}${toIt[found.how]} ${show(found.place)}`
    return result ? `at the end of ${show(found.place)}` : `in ${show(found.place)}, before ${name}`
  }

  private whose(standing: Standing): string {
    const whose = standing.name === "the program" ? "" : `, in ${standing.name}${this.forkedAt(standing)}`
    return standing.interruptible ? whose : `${whose}, which is uninterruptible there`
  }

  private forkedAt({ name, watched }: Standing): string {
    if (!name.startsWith("fiber") || watched.forked === undefined) return ""
    const found = this.find(watched.forked)
    return found === undefined ? "" : ` (forked at ${where(found.place)})`
  }

  private find(position: Position): Found | undefined {
    return findPlace(position, this.watch.sites, this.functions)
  }
}

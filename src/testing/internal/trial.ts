/**
 * Runs a program once as a task of its own tree, in a world of its own: with the world's scheduler and clock, a ledger,
 * a count of fibers, a set of stragglers and seeded random numbers, and without loggers.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import { Scheduler } from "effect/Scheduler"
import type { CancelPolicy } from "../../fibers/CancelPolicy.ts"
import type * as CancelReason from "../../fibers/CancelReason.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import { CurrentNode, RootNode } from "../../fibers/internal/currentNode.ts"
import { forgetObservers } from "../../fibers/internal/observers.ts"
import { outcomeOf } from "../../fibers/internal/outcome.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import { TaskNode } from "../../fibers/internal/taskNode.ts"
import type { TaskOutcome } from "../../fibers/TaskOutcome.ts"
import { Stragglers } from "../../fibers/Stragglers.ts"
import * as Ledger from "../Ledger.ts"
import type { Program, Trial } from "../Trial.ts"
import { type Circumstances, judge } from "./judge.ts"
import { LiveFibers } from "./liveFibers.ts"
import { checkedOf } from "./options.ts"
import { randomFrom } from "./random.ts"
import { type Director, World } from "./world.ts"

/** A cancel at a point; point 0 is before the first operation. */
interface Injection {
  readonly point: number
  readonly reason: CancelReason.Draft
  readonly policy: CancelPolicy
}

export interface TrialSettings {
  readonly director: Director
  readonly maxSteps: number
  readonly first?: Injection | undefined
  readonly second?: Injection | undefined
  /** Milliseconds that a cancel may take. */
  readonly within?: number | undefined
  /** Looks on, for a diagnosis. */
  readonly watcher?: Watcher | undefined
}

/** What a run consists of. */
export interface Parts {
  readonly world: World
  readonly ledger: Ledger.Ledger
  readonly stragglers: ReadonlySet<ScopeNode>
  readonly root: RootNode
  /** The program itself, as a task. */
  readonly node: TaskNode
}

/** Looks on while a program runs. */
export interface Watcher {
  /** Added to the context of the program. */
  readonly context: Context.Context<never>
  readonly begins: (parts: Parts) => void
  /** The injected cancel comes in this moment; nobody has been told yet. */
  readonly cancels: (point: number) => void
  /** All that can run has run, and nothing was closed or judged yet. */
  readonly ends: () => void
}

const nothing = (): boolean => false

const silent: ReadonlySet<Logger.Logger<unknown, unknown>> = new Set()

export const runTrial = <A, E>(program: Program<A, E>, settings: TrialSettings): Trial<A, E> => {
  const world = new World(settings.director, settings.maxSteps)
  const ledger = new Ledger.Ledger(() => world.now)
  const stragglers = new Set<ScopeNode>()
  const root = new RootNode(world.clock)
  const fibers = new LiveFibers()
  const services = new Map<string, unknown>(settings.watcher?.context.mapUnsafe)
  services.set(Scheduler.key, world)
  services.set(Clock.Clock.key, world.clock)
  services.set(Metric.FiberRuntimeMetrics.key, fibers)
  services.set(CurrentNode.key, root)
  services.set(Stragglers.key, stragglers)
  services.set(Ledger.Current.key, ledger)
  services.set(Random.Random.key, seeded())
  services.set(Logger.CurrentLoggers.key, silent)
  const context = Context.makeUnsafe<never>(services)
  const checked = checkedOf(program)
  const node = new TaskNode("task", "program", root, checked.program, context)
  node.open()
  const { first, second, watcher } = settings
  watcher?.begins({ world, ledger, stragglers, root, node })

  const circumstances: Circumstances = { bodyHadEnded: false, committing: false, own: checked.cancel !== undefined }
  let cancelled: Trial["cancelled"]
  const inject = ({ point, reason, policy }: Injection): void => {
    if (node.gone) return
    watcher?.cancels(point)
    circumstances.bodyHadEnded = node.exit !== undefined
    circumstances.committing = node.committing
    cancelled = { point, at: world.now, reason }
    ledger.note(`cancelled at point ${point}`)
    if (checked.cancel !== undefined) return cancelBy(checked.cancel)
    ledger.cancelled = true
    cancel(node, reason, policy, context)
  }
  /** The user's own cancel: from its answer on the work must have stopped. */
  const cancelBy = (own: Effect.Effect<unknown, unknown>): void => {
    circumstances.cancelling = true
    Effect.runForkWith(context)(own).addObserver((exit) => {
      circumstances.cancelling = false
      if (exit._tag === "Failure") circumstances.cancelFailed = exit.cause
      ledger.cancelled = true
      ledger.note(`the cancel has ${exit._tag === "Success" ? "answered" : "failed"}`)
    })
  }
  const injectAgain = ({ point, reason, policy }: Injection): void => {
    if (node.gone) return
    watcher?.cancels(point)
    ledger.note(`cancelled again at point ${point}`)
    cancel(node, reason, policy, context)
    // Nobody has the fiber of a task: what a commit withholds does not come another way.
    if (!node.committing) node.fiber?.interruptUnsafe()
  }
  if (first !== undefined && first.point === 0) inject(first)
  else if (first !== undefined) world.at(first.point, () => inject(first))
  if (second !== undefined) world.at(second.point, () => injectAgain(second))

  ledger.isTold = () => node.interrupted
  node.start()
  world.run(() => node.gone)
  const { points, now: took } = world
  // The program's own cancel may take longer than what it cancels.
  world.run(() => circumstances.cancelling !== true)
  // Whoever was told to stop takes a turn for it, but no time; stragglers may take their time.
  world.run(nothing, true)
  if (stragglers.size > 0) {
    world.run(() => stragglers.size === 0)
    world.run(nothing, true)
  }
  watcher?.ends()
  const left = {
    fibers: fibers.count,
    timers: world.timers.length,
    waitsForTurns: world.busy,
    scopes: [...root.children(), ...node.children()].filter((child) => child !== node),
    program: node.gone ? undefined : node
  }
  const trial = {
    outcome: node.gone ? (outcomeOf(node) as TaskOutcome<A, E>) : undefined,
    cancelled,
    ledger,
    points,
    steps: world.steps,
    took
  }
  const findings = judge(trial, checked.invariant, {
    ...circumstances,
    ...left,
    overrun: world.overrun,
    stragglers,
    returned: node.exit?._tag === "Success",
    patient: first !== undefined && Duration.toMillis(first.policy.grace) > 0,
    second: second?.reason,
    within: settings.within
  })
  world.close()
  forgetObservers(root)
  return { ...trial, findings }
}

const seeded = (): Random.Random => {
  const next = randomFrom(1)
  return {
    nextDoubleUnsafe: next,
    nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER)
  }
}

/**
 * Does an effect leave anything behind? `check` runs it below a scope tree, a set of stragglers and a count of fibers of
 * its own; all must be empty when it has ended, and what is not is named. For any test, on the test clock or in real
 * time, where with `handles` also what Node itself holds open counts: timers, sockets, threads, processes. It finds what
 * one run leaves; `CancelEverywhere` finds what any cancel leaves.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import type * as TestClock from "effect/testing/TestClock"
import * as CancelPolicy from "../fibers/CancelPolicy.ts"
import { CurrentNode, RootNode } from "../fibers/internal/currentNode.ts"
import type { ScopeNode } from "../fibers/internal/scopeNode.ts"
import { steady } from "../fibers/internal/steady.ts"
import { Stragglers } from "../fibers/Stragglers.ts"
import { type Held, heldBack } from "./internal/held.ts"
import { handlesBeyond, handlesNow } from "./internal/nodeHandles.ts"
import { LiveFibers } from "./internal/liveFibers.ts"
import { SeenFibers } from "./internal/seenFibers.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long what was told to stop may take to end, on the clock of the effect. Default zero: it must have ended when
   * the effect has. Not for the test clock, which nobody moves by then.
   */
  readonly patience?: Duration.Input | undefined
  /**
   * Also what Node holds open: timers, sockets, servers, pipes, threads, child processes, watched files. They close a
   * moment after they were told to, so they get two seconds of real time, or `patience` if that is more. Other code of
   * the process must not open any meanwhile, so it is not for concurrent tests. Default false.
   */
  readonly handles?: boolean | undefined
}

/**
 * Runs the effect and dies with `LeaksFound` if anything is left; its own failure comes first. A function gets the watch,
 * for a look in the middle. What the effect leaves to a longer-lived owner on purpose, such as a layer of the test,
 * counts as left: put the owner inside.
 *
 * @category checkers
 * @since 0.1.0
 */
export const check = <A, E, R>(
  effect: Effect.Effect<A, E, R> | ((watch: Watch) => Effect.Effect<A, E, R>),
  options: Options = {}
): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const patience = Duration.toMillis(CancelPolicy.bound("patience", options.patience ?? 0))
    // Told that time is moved by hand, the test clock forks no warning of its own.
    if (isTestClock(clock)) yield* clock.adjust(0)
    const before = options.handles === true ? handlesNow() : undefined
    const watch = new Watch(clock)
    const body = typeof effect === "function" ? effect(watch) : effect
    // On a fiber of its own, whose native children have ended with it.
    const fiber = yield* Effect.forkChild(watch.within(Effect.scoped(Effect.onError(body, () => letTimePass(clock)))))
    const value = yield* yield* Fiber.await(fiber)
    // Whoever was told to stop takes a turn for it.
    for (let turn = 0; turn < 3; turn++) yield* Effect.yieldNow
    yield* until(clock, patience, () => watch.left === undefined)
    const handles = before === undefined ? [] : yield* handlesLeft(before, patience)
    const left = watch.left
    if (left === undefined && handles.length === 0) return value
    return yield* Effect.die(new LeaksFound({ ...(left ?? nothing), handles }))
  })

/** A test that failed moves the clock no more, and clean-up that sleeps must not hide its failure behind a time-out. */
const letTimePass = (clock: Clock.Clock): Effect.Effect<void> =>
  isTestClock(clock)
    ? // oxlint-disable-next-line rescind/no-detached-fork -- it must go on while the clean-up waits for it, and ends by itself
      Effect.asVoid(Effect.forkDetach(clock.adjust("1 minute")))
    : Effect.void

const isTestClock = (clock: Clock.Clock): clock is TestClock.TestClock => "adjust" in clock

const until = (clock: Clock.Clock, millis: number, holds: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    const end = steady(clock) + millis
    const look: Effect.Effect<void> = Effect.suspend(() =>
      holds() || steady(clock) >= end ? Effect.void : Effect.andThen(clock.sleep(Duration.millis(5)), look)
    )
    return look
  })

const handlesLeft = (before: ReadonlyArray<string>, patience: number): Effect.Effect<ReadonlyArray<string>> => {
  const left = () => handlesBeyond(before)
  return Effect.map(
    until(Context.get(Context.empty(), Clock.Clock), Math.max(patience, 2000), () => left().length === 0),
    left
  )
}

/**
 * What is left, as text.
 *
 * @category models
 * @since 0.1.0
 */
export interface Left {
  /** Open tasks and scopes: `task "fetch/page 3"`. */
  readonly scopes: ReadonlyArray<string>
  /** Who was told to stop, was given up, and goes on. */
  readonly stragglers: ReadonlyArray<string>
  /** Live fibers, with the scope and spans that they are in. */
  readonly fibers: ReadonlyArray<string>
  /** Gates that are closed although somebody waits there. */
  readonly gates: ReadonlyArray<string>
  /** What Node holds open: `2 Timeout`. */
  readonly handles: ReadonlyArray<string>
}

const nothing: Left = { scopes: [], stragglers: [], fibers: [], gates: [], handles: [] }

/**
 * What lives now below a check.
 *
 * @category models
 * @since 0.1.0
 */
export class Watch {
  private readonly live = new LiveFibers()
  readonly stragglers = new Set<ScopeNode>()
  readonly root: RootNode
  /** Gates that held somebody. */
  readonly gates = new Set<Held>()
  private readonly seen = new SeenFibers()
  /** Fibers that began before they were counted. */
  private readonly outside = new WeakSet<object>()

  constructor(clock: Clock.Clock) {
    this.root = new RootNode(clock)
  }

  /** How many fibers live. */
  get fibers(): number {
    return this.live.count
  }

  /** The effect, below this tree and counted here. */
  within<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.withFiber((fiber) => {
      this.outside.add(fiber)
      return Effect.provideContext(effect, this.contextOver(fiber.getRef(Scheduler.Scheduler)))
    })
  }

  private contextOver(scheduler: Scheduler.Scheduler): Context.Context<never> {
    return Context.empty().pipe(
      Context.add(Metric.FiberRuntimeMetrics, this.live),
      Context.add(CurrentNode, this.root),
      Context.add(Stragglers, this.stragglers),
      Context.add(Scheduler.Scheduler, this.seen.through(scheduler)),
      Context.add(Current, this)
    )
  }

  /** Live fibers by name, those that have not begun as a number. */
  get names(): ReadonlyArray<string> {
    const names = this.seen.names((fiber) => !this.outside.has(fiber))
    const unborn = this.fibers - names.length
    return unborn > 0 ? [...names, `${unborn === 1 ? "1 fiber" : `${unborn} fibers`} not yet begun`] : names
  }

  /** Undefined when nothing is left; of handles it knows nothing. */
  get left(): Left | undefined {
    if (this.root.live === 0 && this.stragglers.size === 0 && this.fibers === 0) return undefined
    const scopes: Array<string> = []
    this.root.walk((node) => {
      if (node !== this.root) scopes.push(`${node.kind} "${node.path}"`)
      return true
    })
    return {
      ...nothing,
      scopes,
      stragglers: Array.from(this.stragglers, (node) => `"${node.path}"${whyOf(node)}`),
      fibers: this.fibers === 0 ? [] : this.names,
      gates: heldBack(this.gates)
    }
  }
}

const whyOf = ({ mark }: ScopeNode): string => (mark === undefined ? "" : `, told to stop: "${mark.reason.message}"`)

/**
 * The watch of the check that the fiber is under.
 *
 * @category references
 * @since 0.1.0
 */
export const Current: Context.Reference<Watch | undefined> = Context.Reference<Watch | undefined>(
  "rescind/testing/Leaks",
  { defaultValue: () => undefined }
)

/**
 * The message names everything that is left, one a line.
 *
 * @category errors
 * @since 0.1.0
 */
export class LeaksFound extends Error {
  override readonly name = "LeaksFound"
  declare readonly left: Left
  constructor(left: Left) {
    super(`The effect has ended and left behind:\n${format(left)}`)
    // Whoever prints the error has it in the message.
    Object.defineProperty(this, "left", { value: left })
  }
}

/**
 * One line each.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = (left: Left): string =>
  [
    ...left.scopes,
    ...left.stragglers.map((text) => `straggler ${text}`),
    ...left.fibers,
    ...left.gates,
    ...left.handles.map((text) => `open in Node: ${text}`)
  ]
    .map((line) => `  ${line}`)
    .join("\n")

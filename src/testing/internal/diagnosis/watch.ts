/**
 * Looks on while a program runs: at every operation of every fiber, where fibers were forked, where generators stand,
 * where operations were made and which of them call the host. Nothing of it changes what the program does, and all is
 * taken back afterwards. It only keeps stacks and references; a diagnosis reads them when the run has ended.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { SingleShotGen } from "effect/Utils"
import { type HostCall, noteHostCalls } from "./hostCalls.ts"
import { Patches } from "./patches.ts"
import { Stack } from "./places.ts"
import { isExit, kindOf, type Position, positionOf, type Primitive, type Sites, stackOf } from "./positions.ts"
import { type AnyFiber, nameOf, type Standing, type Struck, type Watched } from "./standing.ts"
import type { Parts, Watcher } from "../trial.ts"

export class Watch implements Watcher {
  readonly context: Context.Context<never>
  readonly sites: Sites = { yields: new WeakMap(), made: new WeakMap(), origins: new WeakMap(), names: new WeakMap() }
  readonly fibers = new Map<object, Watched>()
  readonly struck: Array<Struck> = []
  /** Calls for time or chance. */
  readonly chance: Array<HostCall> = []
  /** Where each resource of the ledger was opened, by name. */
  readonly opened: Array<readonly [name: string, position: Position]> = []
  readonly closed: Array<readonly [name: string, position: Position]> = []
  readonly lateWork: Array<readonly [name: string, position: Position]> = []
  /** Sleeps that began after the cancel. */
  readonly lateSleeps: Array<readonly [name: string, position: Position]> = []
  /** Pauses that the schedule asks for. */
  readonly paused: Array<Standing> = []
  left: ReadonlyArray<Standing> = []
  /** Where fibers were started that go on elsewhere. */
  readonly outside: Array<Stack> = []
  parts: Parts | undefined
  private over = false
  private holding: { readonly fiber: AnyFiber; readonly forJob: boolean } | undefined
  private before: AnyFiber | undefined
  private lastYield: { readonly effect: unknown; readonly stack: Stack } | undefined
  private readonly patches = new Patches()
  private readonly prototypes = new Set<object>()
  private readonly whenEnded: (parts: Parts) => void

  constructor(whenEnded: (parts: Parts) => void) {
    this.whenEnded = whenEnded
    this.sites.names.set(Effect.never, "Effect.never")
    const tracer = Tracer.make({
      span: (options) => Tracer.nativeTracer.span(options),
      context: (primitive, fiber) => {
        if (this.over) return primitive["~effect/Effect/evaluate"](fiber)
        const seen = primitive as unknown as Primitive
        this.sees(seen, fiber)
        const next = primitive["~effect/Effect/evaluate"](fiber)
        if (typeof next === "object" && next !== null && replacing.has(kindOf(seen))) {
          this.sites.origins.set(next as unknown as Primitive, seen)
        }
        return next
      }
    })
    this.context = Context.make(Tracer.Tracer, tracer)
  }

  /** Runs with everything in place that lets it see. */
  during<A>(run: () => A): A {
    return this.patches.during(() => {
      this.install()
      return run()
    })
  }

  private install(): void {
    const { patches } = this
    const watch = this
    patches.replace(SingleShotGen.prototype, "next", (next) => {
      const watched = function (this: unknown, value: unknown): unknown {
        const result = Reflect.apply(next, this, [value]) as IteratorResult<unknown>
        if (result.done !== true && !watch.over) {
          watch.lastYield = { effect: result.value, stack: new Stack(watched, 8) }
        }
        return result
      }
      return watched
    })
    const fiber = Object.getPrototypeOf(Effect.runFork(Effect.void)) as object
    patches.replace(fiber, "setContext", (setContext) => {
      const watched = function (this: AnyFiber, context: unknown): void {
        const born = (this.context as unknown) === undefined
        Reflect.apply(setContext, this, [context])
        if (born && watch.parts !== undefined && !watch.over) watch.starts(this, watched)
      }
      return watched
    })
    for (const sample of samples) this.watchMaking(sample as unknown as Primitive)
    noteHostCalls(patches, (call) => {
      if (watch.over) return
      if (call.kind === "chance") watch.chance.push(call)
      else watch.current()?.calls.push(call)
    })
  }

  begins(parts: Parts): void {
    this.parts = parts
    parts.world.onPause = (fiber, forJob) => {
      this.holding = { fiber, forJob }
      if (forJob) this.before ??= fiber
    }
    const clock = parts.world.clock as { sleep: Clock.Clock["sleep"] }
    const sleep = clock.sleep.bind(clock)
    clock.sleep = (duration) => {
      const effect = sleep(duration)
      const name = `a sleep of ${Duration.format(duration)}`
      if (effect !== Effect.yieldNow) this.sites.names.set(effect, name)
      if (parts.ledger.cancelled) this.lateSleeps.push([name, this.here()])
      return effect
    }
    const { ledger } = parts
    const open = ledger.open.bind(ledger)
    const close = ledger.close.bind(ledger)
    const work = ledger.do.bind(ledger)
    ledger.open = (name) => {
      this.opened.push([name, this.here()])
      return open(name)
    }
    ledger.close = (opened) => {
      this.closed.push([opened.name, this.here()])
      close(opened)
    }
    ledger.do = (name) => {
      if (ledger.cancelled) this.lateWork.push([name, this.here()])
      work(name)
    }
  }

  cancels(point: number): void {
    const before = this.before === undefined ? undefined : this.fibers.get(this.before)
    this.before = undefined
    const standing = this.standing()
    this.struck.push({
      point,
      before: standing.find(({ watched }) => watched === before),
      others: standing.filter(({ watched }) => watched !== before)
    })
  }

  ends(): void {
    this.left = this.standing()
    for (const { fiber, outside } of this.fibers.values()) {
      if (outside !== undefined && fiber.pollUnsafe() === undefined) this.outside.push(outside)
    }
    this.over = true
    this.whenEnded(this.parts!)
  }

  /** All fibers of this world that have not ended. */
  private standing(): ReadonlyArray<Standing> {
    return Array.from(this.fibers.values())
      .filter(({ outside, fiber }) => outside === undefined && fiber.pollUnsafe() === undefined)
      .map((watched) => this.stand(watched))
  }

  private stand(watched: Watched): Standing {
    const { interruptible } = watched.fiber as { readonly interruptible?: boolean }
    return {
      watched,
      name: nameOf(watched),
      position: this.position(watched),
      held: watched.held,
      ownClock: watched.fiber.getRef(Clock.Clock) !== this.parts!.world.clock,
      started: watched.last !== undefined,
      interruptible: interruptible !== false
    }
  }

  private position({ fiber, last, yielded }: Watched): Position {
    return positionOf(fiber, last, yielded, this.sites)
  }

  private here(): Position {
    const current = this.current()
    return current === undefined ? { primitive: undefined, yielded: undefined, around: [] } : this.position(current)
  }

  private current(): Watched | undefined {
    const fiber = (globalThis as Record<string, unknown>)["~effect/Fiber/currentFiber"]
    return fiber === undefined ? undefined : this.fibers.get(fiber as object)
  }

  private starts(fiber: AnyFiber, born: Function): void {
    const parent = this.current()
    const watched: Watched = {
      fiber,
      number: this.fibers.size + 1,
      forked: parent && this.position(parent),
      outside: fiber.cache.scheduler === this.parts!.world ? undefined : new Stack(born, 24),
      last: undefined,
      yielded: undefined,
      held: false,
      pausing: 0,
      calls: []
    }
    const { outside } = watched
    if (outside !== undefined)
      parent?.calls.push({ name: "a fiber of Effect.run*", kind: "later", stack: outside, fiber })
    this.fibers.set(fiber, watched)
  }

  /** An operation is about to be executed. */
  private sees(primitive: Primitive, fiber: AnyFiber): void {
    const watched = this.fibers.get(fiber)
    if (watched === undefined) return
    const { holding } = this
    if (holding?.fiber === fiber) {
      this.holding = undefined
      // Effect puts `flatMap(yieldNow, () => operation)` in the place of an operation that has to wait.
      const { payload } = primitive
      if (primitive["~effect/Effect/args"] === Effect.yieldNow && typeof payload === "function") {
        watched.pausing = 2
        this.reaches(watched, payload() as Primitive, true)
        if (!holding.forJob && this.paused.length < mostPauses) this.paused.push(this.stand(watched))
        return
      }
    }
    const exit = isExit(primitive)
    if (watched.pausing > 0 && !(exit && primitive["_tag"] === "Failure")) {
      watched.pausing--
      return
    }
    watched.pausing = 0
    // The end of an operation is none of its own.
    if (!exit) this.reaches(watched, primitive, false)
    else watched.held = false
  }

  private reaches(watched: Watched, primitive: Primitive, held: boolean): void {
    const { lastYield } = this
    if (lastYield !== undefined && lastYield.effect === primitive) {
      const driver = stackOf(watched.fiber).at(-1)
      if (driver !== undefined && kindOf(driver) === "Iterator") this.sites.yields.set(driver, lastYield.stack)
      watched.yielded = lastYield.stack
      this.lastYield = undefined
    } else if (watched.last !== primitive || !watched.held) watched.yielded = undefined
    watched.last = primitive
    watched.held = held
    watched.calls = []
    this.watchMaking(primitive)
  }

  /** From now on, whoever makes one of these leaves a stack. */
  private watchMaking(sample: Primitive): void {
    const prototype = Object.getPrototypeOf(sample) as object
    if (this.prototypes.has(prototype)) return
    this.prototypes.add(prototype)
    const field = Object.keys(sample)[0]
    if (field === undefined || isExit(sample) || Object.hasOwn(prototype, field)) return
    const watch = this
    this.patches.define(prototype, field, {
      set: function made(this: Primitive, value: unknown) {
        Object.defineProperty(this, field, { value, writable: true, enumerable: true, configurable: true })
        if (!watch.over) watch.sites.made.set(this, new Stack(made, 12))
      }
    })
  }
}

const mostPauses = 8

/** The kinds that only make the operation to be executed in their place. */
const replacing: ReadonlySet<string> = new Set(["Suspend", "WithFiber"])

/** One of each primitive that programs commonly make. */
const samples: ReadonlyArray<Effect.Effect<unknown>> = [
  Effect.sync(() => {}),
  Effect.suspend(() => Effect.void),
  Effect.flatMap(Effect.void, () => Effect.void),
  Effect.withFiber(() => Effect.void),
  Effect.callback(() => {}),
  Effect.catchCause(Effect.void, () => Effect.void),
  Effect.matchCauseEffect(Effect.void, { onFailure: () => Effect.void, onSuccess: () => Effect.void }),
  Effect.onExit(Effect.void, () => Effect.void),
  // oxlint-disable-next-line rescind/no-bare-uninterruptible -- a sample of the primitive, it protects nothing
  Effect.uninterruptible(Effect.void)
]

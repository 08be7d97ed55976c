/**
 * What a program under test did: which resources it opened and closed, which finalizers ran and which reason each of
 * them read, which work it did. Put its probes where your fakes acquire, release and work; a checker gives every run a
 * ledger of its own, and reads it when the run has ended. Outside of a checker the probes do nothing, so a fake that
 * carries them can be used everywhere.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type * as CancelReason from "../fibers/CancelReason.ts"
import { CurrentNode } from "../fibers/internal/currentNode.ts"
import type { ScopeNode } from "../fibers/internal/scopeNode.ts"
import { TaskNode } from "../fibers/internal/taskNode.ts"
import type { Held } from "./internal/held.ts"

/**
 * One resource: `released` counts its releases, and must be 1 in the end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Opened {
  readonly name: string
  released: number
}

/**
 * One end of something watched. `interrupted`: its exit has an interrupt; `reason` is what `CancelReason.current` told
 * when its clean-up began.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended {
  readonly name: string
  readonly interrupted: boolean
  readonly reason: CancelReason.CancelReason | undefined
  /** Whether the cancel of the checker had been injected by then. */
  readonly afterCancel: boolean
  /** Whether that cancel had interrupted it by then: not so during its grace, nor below a shield. */
  readonly told: boolean
  /** A cancel had given up on its task, which has its outcome: who still runs there reads nothing any more. */
  readonly givenUp: boolean
}

/**
 * Something that was done, in order.
 *
 * @category models
 * @since 0.1.0
 */
export interface Done {
  readonly name: string
  readonly afterCancel: boolean
}

/**
 * @category models
 * @since 0.1.0
 */
export class Ledger {
  readonly opened: Array<Opened> = []
  readonly ended: Array<Ended> = []
  readonly work: Array<Done> = []
  /** Gates that held somebody. */
  readonly gates = new Set<Held>()
  /** Everything in order, with the virtual time in milliseconds: "5 opened db". */
  readonly journal: Array<string> = []
  /** The checker has injected its cancel. */
  cancelled = false
  /** Whether that cancel has interrupted the program, its grace being over. */
  isTold: () => boolean = () => this.cancelled
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  note(text: string): void {
    this.journal.push(`${this.now()} ${text}`)
  }

  open(name: string): Opened {
    const opened = { name, released: 0 }
    this.opened.push(opened)
    this.note(`opened ${name}`)
    return opened
  }

  close(opened: Opened): void {
    opened.released++
    this.note(`closed ${opened.name}`)
  }

  end(
    name: string,
    exit: Exit.Exit<unknown, unknown>,
    reason: CancelReason.CancelReason | undefined,
    { givenUp, heldOff } = { givenUp: false, heldOff: false }
  ): void {
    const interrupted = exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
    const told = this.cancelled && !heldOff && this.isTold()
    this.ended.push({ name, interrupted, reason, afterCancel: this.cancelled, told, givenUp })
    const how = exit._tag === "Success" ? "done" : interrupted ? "interrupted" : "failed"
    this.note(`${name} ${how}${reason === undefined ? "" : ` (${reason.source} of ${reason.scope})`}`)
  }

  do(name: string): void {
    this.work.push({ name, afterCancel: this.cancelled })
    this.note(`did ${name}`)
  }
}

/**
 * The ledger of the current run; undefined outside of a checker.
 *
 * @category references
 * @since 0.1.0
 */
export const Current: Context.Reference<Ledger | undefined> = Context.Reference<Ledger | undefined>(
  "rescind/testing/Ledger",
  { defaultValue: () => undefined }
)

const withLedger = <A>(use: (ledger: Ledger) => A): Effect.Effect<A | undefined> =>
  Effect.withFiber((fiber) => {
    const ledger = fiber.getRef(Current)
    return ledger === undefined ? Effect.undefined : Effect.succeed(use(ledger))
  })

/**
 * Notes that a resource is open now; give what it returns to `closed`. Both act in one step, so put them inside the
 * very step that opens and closes, or right behind it where you want to see whether a cancel fits in between.
 *
 * @category probes
 * @since 0.1.0
 */
export const opened = (name: string): Effect.Effect<Opened> =>
  Effect.map(
    withLedger((ledger) => ledger.open(name)),
    (open) => open ?? { name, released: 0 }
  )

/**
 * @category probes
 * @since 0.1.0
 */
export const closed = (resource: Opened): Effect.Effect<void> =>
  Effect.asVoid(withLedger((ledger) => ledger.close(resource)))

/**
 * A resource that is opened and closed with the scope. `release` runs before it counts as closed.
 *
 * @category probes
 * @since 0.1.0
 */
export const resource = (
  name: string,
  release: Effect.Effect<unknown> = Effect.void
): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.acquireRelease(opened(name), (resource) => Effect.andThen(release, closed(resource)))

/**
 * A finalizer of the current scope: the checkers see that it runs once, and which reason it read.
 *
 * @category probes
 * @since 0.1.0
 */
export const finalizer = (
  name: string,
  cleanup: Effect.Effect<unknown> = Effect.void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(opened(name), (resource, exit) =>
      Effect.andThen(ending(name, exit), Effect.andThen(cleanup, closed(resource)))
    )
  )

/**
 * Watches how an effect ends: an end by an interrupt must have read a reason.
 *
 * @category probes
 * @since 0.1.0
 */
export const watch =
  (name: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.onExit(self, (exit) => ending(name, exit))

const ending = (name: string, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  // In one step: a cancel that comes after the reason was read must not count as one that came before.
  Effect.withFiber((fiber) => {
    const node = fiber.getRef(CurrentNode)
    const standing = { givenUp: isGivenUp(node), heldOff: isHeldOff(node) }
    fiber.getRef(Current)?.end(name, exit, node.readable, standing)
    return Effect.void
  })

/** Also where a winner's scope has moved to a task that was given up on since. */
const isGivenUp = (node: ScopeNode): boolean => {
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
    if (at.gone && at instanceof TaskNode && at.how === "abandoned") return true
  }
  return false
}

/** Whether interrupts from above are kept away, by a shield or where nothing may interrupt. */
const isHeldOff = (node: ScopeNode): boolean => {
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up)
    if (at.holdsOff && !at.interrupted) return true
  return false
}

/**
 * Work that must not begin once the program was cancelled: a mail that is sent, a row that is written.
 *
 * @category probes
 * @since 0.1.0
 */
export const work = (name: string): Effect.Effect<void> => Effect.asVoid(withLedger((ledger) => ledger.do(name)))

/**
 * A line in the journal, which a failure prints.
 *
 * @category probes
 * @since 0.1.0
 */
export const note = (text: string): Effect.Effect<void> => Effect.asVoid(withLedger((ledger) => ledger.note(text)))

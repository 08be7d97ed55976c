/**
 * Members that play a part: each ends at its time, as it is told to, or when it is interrupted, and cleans up as long as
 * it is told to. The ledger notes what they do; the stage notes how things stood when whoever runs them returned.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Ledger from "../Ledger.ts"
import type { Checked, Trial } from "../Trial.ts"
import type { Law, Scenario } from "./Law.ts"
import { mentions } from "./mentions.ts"

/** `after` in milliseconds; at 0 it ends without having suspended. `cleanup` is how long it takes, or that it dies. */
export interface Role {
  readonly ends: "value" | "failure" | "defect" | "interrupt"
  readonly after: number
  readonly cleanup: number | "dies"
}

type Cleanup = Role["cleanup"]

export const succeeds = (after: number, cleanup: Cleanup = 0): Role => ({ ends: "value", after, cleanup })
export const fails = (after: number, cleanup: Cleanup = 0): Role => ({ ends: "failure", after, cleanup })
export const dies = (after: number, cleanup: Cleanup = 0): Role => ({ ends: "defect", after, cleanup })
export const interruptsItself = (after: number): Role => ({ ends: "interrupt", after, cleanup: 0 })
export const waits = (cleanup: Cleanup = 0): Role => ({ ends: "value", after: Infinity, cleanup })

/** Roles by what happens with them, which completes "where …". */
export type Examples = ReadonlyArray<readonly [string, ReadonlyArray<Role>]>

export type Members = ReadonlyArray<Effect.Effect<string, string>>

export const nameOf = (index: number): string => `member ${index}`
export const valueOf = (index: number): string => `value of ${index}`
/** What it fails or dies with. */
export const failureOf = (index: number): string => `failure of ${index}`
const cleanupFailureOf = (index: number): string => `clean-up of ${index}`

export class Stage {
  readonly roles: ReadonlyArray<Role>
  readonly members: Members
  /** Who had not ended when the code under test returned; undefined if it has not. */
  openAtReturn: ReadonlyArray<string> | undefined = undefined
  /** What was logged. */
  readonly logs: Array<unknown> = []

  constructor(roles: ReadonlyArray<Role>) {
    this.roles = roles
    this.members = roles.map((role, index) => member(role, index))
  }

  /** Notes how things stand when the effect ends. */
  observed<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.onExit(effect, () =>
      Effect.map(Ledger.Current, (ledger) => {
        this.openAtReturn = ledger!.opened.filter(({ released }) => released === 0).map(({ name }) => name)
      })
    )
  }

  /** Keeps what is logged. */
  logged<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const logger = Logger.make<unknown, void>(({ cause, message }) => {
      this.logs.push(message, cause)
    })
    return Effect.provideService(effect, Logger.CurrentLoggers, new Set([logger]))
  }

  /** Ended by itself, before or after a cancel. */
  hasFinished(index: number, { ledger }: Trial): boolean {
    return ledger.ended.some(({ interrupted, name }) => name === nameOf(index) && !interrupted)
  }
}

const member = ({ after, cleanup, ends }: Role, index: number): Effect.Effect<string, string> => {
  const name = nameOf(index)
  const works = after === Infinity ? Effect.never : after === 0 ? Effect.void : Effect.sleep(after)
  const end =
    ends === "value"
      ? Effect.succeed(valueOf(index))
      : ends === "failure"
        ? Effect.fail(failureOf(index))
        : ends === "defect"
          ? Effect.die(new Error(failureOf(index)))
          : Effect.interrupt
  const cleansUp = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
    typeof cleanup === "number" && cleanup > 0 && exit._tag === "Failure" && Cause.hasInterrupts(exit.cause)
      ? Effect.sleep(cleanup)
      : Effect.void
  const part = Effect.scoped(
    Effect.gen(function* () {
      yield* Ledger.work(`the first step of ${name}`)
      yield* Effect.acquireRelease(Ledger.opened(name), (opened, exit) =>
        Effect.andThen(cleansUp(exit), Ledger.closed(opened))
      )
      return yield* Ledger.watch(name)(Effect.andThen(works, end))
    })
  )
  return cleanup === "dies" ? Effect.onInterrupt(part, () => Effect.die(new Error(cleanupFailureOf(index)))) : part
}

/** What several laws say of a run: a sentence if they do not hold. */
type Says = (stage: Stage, trial: Trial) => string | undefined

/** Whoever was interrupted could read why. */
export const allCouldReadWhy: Says = (_, { ledger }) => {
  const blind = ledger.ended.find(({ interrupted, reason }) => interrupted && reason === undefined)
  return blind === undefined ? undefined : `${blind.name} was interrupted and could not read why`
}

/** For a stage that is `observed`. */
export const allHadEnded: Says = ({ openAtReturn = [] }) =>
  openAtReturn.length === 0 ? undefined : `it had ended while these still ran: ${openAtReturn.join(", ")}`

/** For a stage that is `logged`: the failure of that member's clean-up. */
export const cleanupFailureIsTold =
  (index: number): Says =>
  ({ logs }, { outcome }) =>
    mentions(logs, cleanupFailureOf(index)) || mentions(outcome, cleanupFailureOf(index))
      ? undefined
      : "it stands neither in the result nor in the log"

export const tookAtMost =
  (millis: number): Says =>
  (_, { took }) =>
    took <= millis ? undefined : `it took ${took} ms instead of ${millis} ms`

/** A scenario in which code under test runs members with these roles. */
export const playing = (
  where: string,
  roles: ReadonlyArray<Role>,
  play: (stage: Stage) => Effect.Effect<unknown, unknown>,
  says: Says = () => undefined,
  how: Pick<Scenario, "calm" | "options" | "again"> = {}
): Scenario => ({
  where,
  program: (): Checked<unknown, unknown> => {
    const stage = new Stage(roles)
    return { program: play(stage), invariant: (trial) => says(stage, trial) }
  },
  ...how
})

/** Laws that hold only where an option says so. */
export const when = (holds: boolean, laws: () => ReadonlyArray<Law>): ReadonlyArray<Law> => (holds ? laws() : [])

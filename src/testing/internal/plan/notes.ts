/** Writes to the journal of a plan, and puts ends into words. */
import type * as Cause from "effect/Cause"
import { Clock } from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { TaskNode } from "../../../fibers/internal/taskNode.ts"
import type { TaskEntry, TaskJournal } from "../../TaskJournal.ts"
import type { Patience } from "../../TaskPlan.ts"

export class Notes {
  private readonly journal: TaskJournal
  private began = 0

  constructor(journal: TaskJournal) {
    this.journal = journal
  }

  readonly begin: Effect.Effect<void> = Effect.withFiber((fiber) =>
    Effect.sync(() => {
      this.began = timeOf(fiber)
    })
  )

  private write(fiber: Fiber.Fiber<any, any>, who: string, what: TaskEntry["what"], text: string): void {
    this.journal.entries.push({ at: timeOf(fiber) - this.began, who, what, text })
  }

  note(who: string, what: TaskEntry["what"], text = ""): Effect.Effect<void> {
    return Effect.withFiber((fiber) => Effect.sync(() => this.write(fiber, who, what, text)))
  }

  /** With the reason that the fiber reads now. */
  reading<A>(f: (reason: string) => Effect.Effect<A>): Effect.Effect<A> {
    return Effect.flatMap(CancelReason.current, (reason) =>
      f(Option.match(reason, { onNone: () => "", onSome: textOfReason }))
    )
  }

  /** Notes where the effect starts and stops: both or none. */
  unit(who: string, effect: Effect.Effect<void, unknown, Scope.Scope>): Effect.Effect<void, unknown, Scope.Scope> {
    return Effect.suspend(() => {
      let started = false
      return Effect.onExit(
        Effect.withFiber((fiber) => {
          started = true
          this.write(fiber, who, "starts", "")
          return effect
        }),
        (exit) =>
          started
            ? this.reading((reason) => {
                const end = exit._tag === "Success" ? "ok" : textOfCause(exit.cause)
                return this.note(who, "stops", reason === "" ? end : `${end}, ${reason}`)
              })
            : Effect.void
      )
    })
  }

  ended(node: TaskNode): void {
    const who = node.kind === "body" ? `${node.up!.name}.body` : node.name
    const text =
      node.verdict === "cancelled"
        ? `cancelled ${node.how}, ${textOfReason(node.mark!.reason)}`
        : `${node.verdict}${node.exit?._tag === "Failure" ? ` ${textOfCause(node.exit.cause)}` : ""}`
    const at = node.clock.currentTimeMillisUnsafe() - this.began
    this.journal.entries.push({ at, who, what: "ended", text, path: node.path, givenUp: node.how === "abandoned" })
  }
}

const timeOf = (fiber: Fiber.Fiber<any, any>): number => fiber.getRef(Clock).currentTimeMillisUnsafe()

/** `request/ann/main`: source, by whom, which scope. */
export const textOfReason = ({ by, scope, source }: CancelReason.CancelReason): string =>
  `${source}/${by ?? ""}/${scope}`

/** Its parts, each once, in the order of the alphabet. */
export const textOfCause = (cause: Cause.Cause<unknown>): string =>
  [...new Set(cause.reasons.map(partOf))].toSorted().join("+")

const partOf = (reason: Cause.Reason<unknown>): string =>
  reason._tag === "Interrupt" ? "interrupt" : textOfError(reason._tag === "Fail" ? reason.error : reason.defect)

const textOfError = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return String(error)
  const { _tag, name, race, scope, task } = error as Record<string, unknown>
  const about = [race, scope, task].find((part) => typeof part === "string") ?? ""
  return `${[_tag, name].find((part) => typeof part === "string") ?? "object"}(${about})`
}

export const patienceOf = ({ giveUp, grace }: Patience): Patience => ({ grace, giveUp })

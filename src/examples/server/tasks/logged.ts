/**
 * Writes to the log when a task begins and how its work ended, with its id and, for a cancel, the reason. A straggler's
 * line comes at its real end.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"

export const logged = <R>(implementation: TaskDefinition.Implementation<R>): TaskDefinition.Implementation<R> => ({
  definition: implementation.definition,
  run: (payload, self) => {
    const name = `${implementation.definition.name} ${self.id}`
    return Effect.logInfo(`${name} started`).pipe(
      Effect.andThen(implementation.run(payload, self)),
      Effect.onExit((exit) =>
        Effect.flatMap(CancelReason.current, (reason) => Effect.logInfo(`${name} ${ending(exit, reason)}`))
      )
    )
  }
})

/** What a client wrote stays on one line, without control characters, and short. */
const quoted = (text: string): string => {
  const line = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
  return line.slice(1, -1)
}

const ending = (exit: Exit.Exit<unknown, unknown>, reason: Option.Option<CancelReason.CancelReason>): string => {
  if (Option.isSome(reason)) {
    const { by, message, source } = reason.value
    return `cancelled: ${quoted(message)} (${source}${by === undefined ? "" : ` by ${quoted(by)}`})`
  }
  if (exit._tag === "Success") return "completed"
  // A straggler's reason stands with its outcome, which is long decided.
  if (Cause.hasInterruptsOnly(exit.cause)) return "stopped at last, after its cancel had given up on it"
  return Option.match(Cause.findErrorOption(exit.cause), {
    onSome: (error) => `failed: ${error instanceof Error ? error.message : String(error)}`,
    onNone: () => "died"
  })
}

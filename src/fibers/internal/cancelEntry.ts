/** The log entries of cancels: who asked, why and when, and how it ended; one form wherever they are written. */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type { CancelReason } from "../CancelReason.ts"
import type { Annotations } from "../TaskLogger.ts"
import type { GroupNode } from "./groupNode.ts"
import { tookOf } from "./outcome.ts"
import type { ScopeNode } from "./scopeNode.ts"
import type { TaskNode } from "./taskNode.ts"
import { trampoline } from "./trampoline.ts"

export interface Entry {
  readonly message: string
  readonly fields: Omit<Annotations, "task" | "path"> & Readonly<Record<string, string | number>>
}

/** Of the request, in the step in which it comes. */
export const requestEntry = (target: ScopeNode, reason: CancelReason): Entry => ({
  message: `Cancel of ${target.kind} ${nameOf(target)}: ${textOf(reason)}`,
  fields: { phase: "cancel", ...fieldsOf(reason) }
})

/** Of the end of a task that was told to stop, whatever its outcome. */
export const endEntry = (task: TaskNode, reason: CancelReason): Entry => {
  const took = tookOf(task)
  const lasted = Duration.format(took)
  const verdict = task.verdict!
  const times = { endedAt: isoOf(task.endedAt), tookMillis: Duration.toMillis(took) }
  return verdict === "cancelled"
    ? {
        message: `Task ${nameOf(task)} was cancelled after ${lasted}: ${textOf(reason)}`,
        fields: { phase: "cancelled", outcome: verdict, ...fieldsOf(reason), how: task.how, ...times }
      }
    : {
        message: `Task ${nameOf(task)} ${verdict} by itself ${lasted} after it was told to stop: ${textOf(reason)}`,
        fields: { phase: "done", outcome: verdict, ...fieldsOf(reason), ...times }
      }
}

/** Names and messages may hold line breaks. */
export const nameOf = (node: ScopeNode): string => JSON.stringify(node.name)

/** By the loggers, and with the annotations, of `node`; not in the step that is under way. */
export const write = (
  node: TaskNode | GroupNode<any, any>,
  level: LogLevel.Severity,
  entry: () => Entry,
  cause?: Cause.Cause<unknown>
): void => {
  const { context } = node
  if (LogLevel.isLessThan(level, Context.get(context, References.MinimumLogLevel))) return
  // An entry takes longer to make than the rest of a cancel.
  if (Context.get(context, Logger.CurrentLoggers).size === 0) return
  const { fields, message } = entry()
  const log = Effect.logWithLevel(level)(message, ...(cause === undefined ? [] : [cause]))
  trampoline(() =>
    Effect.runForkWith(context)(Effect.annotateLogs(log, { task: node.name, path: node.path, ...fields }))
  )
}

const fieldsOf = ({ at, by, message, scope, source }: CancelReason): Omit<Entry["fields"], "phase"> => ({
  source,
  ...(by === undefined ? {} : { by }),
  reason: message,
  scope,
  askedAt: DateTime.formatIso(at)
})

const textOf = ({ by, message, source }: CancelReason): string =>
  `${source}${by === undefined ? "" : ` by ${JSON.stringify(by)}`}, ${JSON.stringify(message)}`

const isoOf = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

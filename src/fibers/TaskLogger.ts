/**
 * Writes the life of every task into the log: registered, told to cancel,
 * cancelled, done, each entry with its phase, the task and, for a cancel, who
 * asked, why and when, as annotations. Quiet by default: only cancels that somebody
 * asked for are of level Info, all else is Debug, so that a normal run logs nothing
 * at Info. Installed by a layer for the whole tree; not installed, it costs nothing.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import type { CancelReason } from "./CancelReason.ts"
import type { CancelRequest } from "./internal/cancelRequest.ts"
import { GroupNode } from "./internal/groupNode.ts"
import { observe } from "./internal/observers.ts"
import { tookOf } from "./internal/outcome.ts"
import type { ScopeNode } from "./internal/scopeNode.ts"
import { TaskNode } from "./internal/taskNode.ts"
import { trampoline } from "./internal/trampoline.ts"

/**
 * The annotations of an entry. `task` is the name of the task or nursery. Those
 * from `source` on stand with `cancel` and `cancelled`; times are ISO 8601.
 *
 * @category models
 * @since 0.1.0
 */
export interface Annotations {
  readonly phase: "registered" | "cancel" | "cancelled" | "done"
  readonly task: string
  readonly path: string
  readonly outcome?: "completed" | "failed" | "cancelled"
  readonly source?: string
  readonly by?: string
  readonly reason?: string
  readonly scope?: string
  readonly askedAt?: string
  readonly how?: string
  readonly tookMillis?: number
}

/**
 * Levels of log entries.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskLoggerOptions {
  /** Of cancels that somebody asked for. Default: Info. */
  readonly cancels?: LogLevel.Severity | undefined
  /** Of all else, also of the losers of a race and of what ends with its scope. Default: Debug. */
  readonly others?: LogLevel.Severity | undefined
}

/**
 * Logs what happens to the tasks of the whole tree, by the loggers and with the
 * annotations of each task, until the scope closes. Members of races and joins are
 * not logged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: TaskLoggerOptions): Effect.Effect<void, never, Scope.Scope> => {
  const others = options?.others ?? "Debug"
  const levelOf = (reason: CancelReason) =>
    reason.source === "lost-race" || reason.source === "scope-closed" ? others : (options?.cancels ?? "Info")
  return observe(() => ({
    opened: (task) => {
      if (task.kind === "task") write(task, others, `Task ${nameOf(task)} was registered`, { phase: "registered" })
    },
    requested: (target, request) => {
      if (target.kind === "task" || target.kind === "nursery") askedOf(target, request, levelOf(request.reason))
    },
    ended: (task) => {
      if (task.kind !== "task") return
      const { mark, verdict } = task
      if (verdict === "cancelled") return endOf(task, mark!.reason, levelOf(mark!.reason))
      const fields = { phase: "done", outcome: verdict! } as const
      const cause = task.exit?._tag === "Failure" ? task.exit.cause : undefined
      write(task, others, `Task ${nameOf(task)} ${verdict}`, fields, cause)
    }
  }))
}

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: TaskLoggerOptions): Layer.Layer<never> => Layer.effectDiscard(make(options))

const askedOf = (target: ScopeNode, request: CancelRequest, level: LogLevel.Severity): void => {
  // A later request changes nothing.
  if (target.mark !== request || !(target instanceof TaskNode || target instanceof GroupNode)) return
  const { reason } = request
  write(target, level, `Cancel of ${target.kind} ${nameOf(target)}: ${textOf(reason)}`, {
    phase: "cancel",
    ...fieldsOf(reason)
  })
}

const endOf = (task: TaskNode, reason: CancelReason, level: LogLevel.Severity): void => {
  const took = tookOf(task)
  write(task, level, `Task ${nameOf(task)} was cancelled after ${Duration.format(took)}: ${textOf(reason)}`, {
    phase: "cancelled",
    outcome: "cancelled",
    ...fieldsOf(reason),
    how: task.how,
    tookMillis: Duration.toMillis(took)
  })
}

const fieldsOf = ({ at, by, message, scope, source }: CancelReason) => ({
  source,
  ...(by === undefined ? {} : { by }),
  reason: message,
  scope,
  askedAt: DateTime.formatIso(at)
})

/** Names and messages may hold line breaks. */
const nameOf = (node: ScopeNode): string => JSON.stringify(node.name)

const textOf = ({ by, message, source }: CancelReason): string =>
  `${source}${by === undefined ? "" : ` by ${JSON.stringify(by)}`}, ${JSON.stringify(message)}`

const write = (
  node: TaskNode | GroupNode<any, any>,
  level: LogLevel.Severity,
  message: string,
  fields: Omit<Annotations, "task" | "path">,
  cause?: Cause.Cause<unknown>
): void => {
  const { context } = node
  if (LogLevel.isLessThan(level, Context.get(context, References.MinimumLogLevel))) return
  const annotations: Annotations = { task: node.name, path: node.path, ...fields }
  const log = Effect.logWithLevel(level)(message, ...(cause === undefined ? [] : [cause]))
  trampoline(() => Effect.runForkWith(context)(Effect.annotateLogs(log, { ...annotations })))
}

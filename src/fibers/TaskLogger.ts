/**
 * Writes the life of every task into the log: registered, told to cancel,
 * cancelled, done, each entry with its phase, the task and, for a cancel, who
 * asked, why and when, as annotations. Quiet by default: only cancels that somebody
 * asked for are of level Info, all else is Debug, so that a normal run logs nothing
 * at Info. Installed by a layer for the whole tree; not installed, it costs nothing.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import type * as Scope from "effect/Scope"
import type { CancelReason } from "./CancelReason.ts"
import { endEntry, nameOf, requestEntry, write } from "./internal/cancelEntry.ts"
import { GroupNode } from "./internal/groupNode.ts"
import { observe } from "./internal/observers.ts"
import { TaskNode } from "./internal/taskNode.ts"

/**
 * The annotations of an entry. `task` is the name of the task or nursery. Those
 * from `source` on stand on the request and on the end of whoever was told to
 * stop, also of one that then finished by itself (`done`); times are ISO 8601.
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
  readonly endedAt?: string
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
      if (task.kind !== "task") return
      write(task, others, () => ({
        message: `Task ${nameOf(task)} was registered`,
        fields: { phase: "registered" }
      }))
    },
    requested: (target, request) => {
      if (!(target instanceof TaskNode || target instanceof GroupNode)) return
      // A later request changes nothing.
      if ((target.kind !== "task" && target.kind !== "nursery") || target.mark !== request) return
      write(target, levelOf(request.reason), () => requestEntry(target, request.reason))
    },
    ended: (task) => {
      if (task.kind !== "task") return
      const reason = task.mark?.reason
      const cause = task.verdict !== "cancelled" && task.exit?._tag === "Failure" ? task.exit.cause : undefined
      if (reason !== undefined) return write(task, levelOf(reason), () => endEntry(task, reason), cause)
      const outcome = task.verdict!
      const entry = () => ({ message: `Task ${nameOf(task)} ${outcome}`, fields: { phase: "done", outcome } as const })
      write(task, others, entry, cause)
    }
  }))
}

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: TaskLoggerOptions): Layer.Layer<never> => Layer.effectDiscard(make(options))

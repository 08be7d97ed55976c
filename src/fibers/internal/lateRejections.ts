/** Rejections of foreign operations that came when nobody could be told any more. */
import * as Metric from "effect/Metric"

export const lateRejections: Metric.Counter<number> = /*#__PURE__*/ Metric.counter("rescind_late_rejections", {
  description: "Rejections of foreign operations that came after their cancel and were not an answer to it",
  incremental: true
})

/** Whether a rejection only answers the abort: that error itself, one caused by it, or any `AbortError`. */
export const answersAbort = (rejection: unknown, abort: unknown): boolean => {
  if (rejection === abort) return true
  if (typeof rejection !== "object" || rejection === null) return false
  const { cause, name } = rejection as { readonly cause?: unknown; readonly name?: unknown }
  return cause === abort || name === "AbortError"
}

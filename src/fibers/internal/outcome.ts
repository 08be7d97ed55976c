/** Reads the public values off a node that has ended. */
import * as Duration from "effect/Duration"
import type { CancelResult } from "../CancelResult.ts"
import type { TaskOutcome } from "../TaskOutcome.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import type { TaskNode } from "./taskNode.ts"

export const outcomeOf = (node: TaskNode): TaskOutcome<any, any, any> => {
  const { record } = node
  const partial = record?.partial
  // Copies: a straggler's later failures do not change an outcome.
  const cleanupFailures = record?.cleanupFailures === undefined ? none : [...record.cleanupFailures]
  const salvaged = record?.salvaged === undefined ? none : [...record.salvaged]
  if (node.verdict === "cancelled") {
    return {
      _tag: "Cancelled",
      reason: node.mark!.reason,
      how: node.how,
      took: tookOf(node),
      ...(partial === undefined ? {} : { partial: partial.value }),
      cleanupFailures,
      salvaged
    }
  }
  const exit = node.exit!
  return exit._tag === "Success"
    ? { _tag: "Completed", value: exit.value, cleanupFailures, salvaged }
    : { _tag: "Failed", cause: exit.cause, cleanupFailures, salvaged }
}

const none: ReadonlyArray<never> = []

/** From the request that won to the end. */
export const tookOf = (node: TaskNode): Duration.Duration => {
  const millis = node.mark === undefined ? 0 : node.endedAt - node.mark.at
  return millis > 0 ? Duration.millis(millis) : Duration.zero
}

/** The answer to one cancel of a task that has ended: the tag follows the outcome. */
export const resultOf = (node: TaskNode, request: CancelRequest): CancelResult => {
  const id = node.name
  const mark = node.mark
  if (node.verdict === "cancelled") {
    const fields = { id, reason: mark!.reason, how: node.how, took: tookOf(node) }
    return mark === request ? { _tag: "Cancelled", ...fields } : { _tag: "AlreadyCancelled", ...fields }
  }
  return {
    _tag: node.verdict === "completed" ? "AlreadyCompleted" : "AlreadyFailed",
    id,
    duringGrace: mark !== undefined
  }
}

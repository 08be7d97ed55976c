/** `ListTasks`: a page of the tasks that a caller may see, the latest first. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { type A2AError, RequestMalformedError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import type { AgentTask } from "./agentTask.ts"

const defaultSize = 50
const maxSize = 100

export const pageOf = (
  all: ReadonlyArray<AgentTask>,
  request: A2A.ListTasksRequest
): Effect.Effect<A2A.ListTasksResponse, A2AError> => {
  const { contextId, historyLength, includeArtifacts = false, pageSize = defaultSize, pageToken, status } = request
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > maxSize) {
    return malformed(`pageSize must be a whole number from 1 to ${maxSize}, but it is ${pageSize}`)
  }
  // What codecs do not know, they read as `UNRECOGNIZED`.
  if (status === TaskState.UNRECOGNIZED || (status !== undefined && TaskState[status] === undefined)) {
    return malformed("status must be the name of a state, such as TASK_STATE_WORKING")
  }
  const after = afterOf(request.statusTimestampAfter)
  if (Number.isNaN(after)) {
    return malformed(`statusTimestampAfter must be an ISO 8601 instant, but it is "${request.statusTimestampAfter}"`)
  }
  const selected = all
    .filter(
      (task) =>
        (contextId === "" || contextId === undefined || task.contextId === contextId) &&
        (!status || task.status.state === status) &&
        (after === undefined || Date.parse(task.status.timestamp!) >= after)
    )
    .toSorted(latestFirst)
  const rest = pageToken ? from(selected, pageToken) : selected
  if (rest === undefined) return malformed("pageToken is not one that this server gave")
  const page = rest.slice(0, pageSize)
  return Effect.succeed({
    tasks: page.map((task) => task.snapshot(historyLength, includeArtifacts)),
    nextPageToken: rest.length > page.length ? tokenOf(page.at(-1)!) : "",
    pageSize,
    totalSize: selected.length
  })
}

const malformed = (message: string): Effect.Effect<never, A2AError> => Effect.fail(new RequestMalformedError(message))

const afterOf = (instant: string | undefined): number | undefined =>
  instant === undefined || instant === "" ? undefined : Date.parse(instant)

interface Place {
  readonly id: string
  readonly status: { readonly timestamp: string | undefined }
}

/** Of the same instant, by id: a page must not depend on chance. */
const latestFirst = (one: Place, other: Place): number =>
  compare(other.status.timestamp!, one.status.timestamp!) || compare(other.id, one.id)

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

/** Where a page ended, also when that task has changed since. */
const tokenOf = ({ id, status }: AgentTask): string => `${status.timestamp}~${id}`

/** What comes behind the place of a token. */
const from = (tasks: ReadonlyArray<AgentTask>, token: string): ReadonlyArray<AgentTask> | undefined => {
  const [timestamp, id, ...more] = token.split("~")
  if (id === undefined || more.length > 0 || Number.isNaN(Date.parse(timestamp!))) return undefined
  const place = { id, status: { timestamp } }
  return tasks.filter((task) => latestFirst(task, place) > 0)
}

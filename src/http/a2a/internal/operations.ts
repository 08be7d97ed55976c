/** The methods that have one answer, the same for every binding: parameters in, JSON as text out. */
import {
  AgentCard,
  CancelTaskRequest,
  DeleteTaskPushNotificationConfigRequest,
  GetExtendedAgentCardRequest,
  GetTaskPushNotificationConfigRequest,
  GetTaskRequest,
  ListTaskPushNotificationConfigsRequest,
  ListTaskPushNotificationConfigsResponse,
  ListTasksRequest,
  SendMessageRequest,
  SubscribeToTaskRequest,
  Task,
  TaskPushNotificationConfig
} from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { type A2AError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import type { A2ARequestHandler, ServerCallContext } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Visitor } from "../../TaskAccess.ts"
import type { AgentEvent } from "../AgentEngine.ts"
import { type AgentServer, promised } from "./agentServer.ts"
import { decoded, type Params, sendMistake } from "./params.ts"
import { permitted, readable } from "./permitted.ts"

export interface Asking {
  readonly server: AgentServer
  readonly visitor: Visitor
  readonly call: ServerCallContext
}

type Operation = (asking: Asking, params: Params) => Effect.Effect<string, A2AError>

const accepted = (asking: Asking, params: Params): Effect.Effect<A2A.SendMessageRequest, A2AError> =>
  Effect.flatMapEager(decoded(SendMessageRequest, params, sendMistake), (request) =>
    Effect.mapEager(permitted(asking, "start", request.message!.taskId), () => request)
  )

const sendMessage: Operation = (asking, params) =>
  Effect.flatMapEager(accepted(asking, params), (request) =>
    Effect.map(asking.server.engine.answer(request, asking.call), (task) => `{"task":${taskText(task)}}`)
  )

const getTask: Operation = (asking, params) =>
  Effect.flatMapEager(decoded(GetTaskRequest, params), (request) =>
    Effect.flatMapEager(permitted(asking, "read", request.id), () =>
      Effect.map(asking.server.engine.get(request, asking.call), taskText)
    )
  )

const listTasks: Operation = (asking, params) =>
  Effect.flatMapEager(decoded(ListTasksRequest, params), (request) =>
    Effect.map(asking.server.engine.list(request, asking.call), (page) => {
      // Fields that are required, but that codecs leave out when they are empty.
      const tasks = readable(asking, page.tasks).map((task) => {
        const json = Task.toJSON(task) as object
        return request.includeArtifacts === true ? { artifacts: [], ...json } : json
      })
      const { nextPageToken, pageSize, totalSize } = page
      return JSON.stringify({ tasks, nextPageToken, pageSize, totalSize })
    })
  )

const cancelTask: Operation = (asking, params) =>
  Effect.flatMapEager(decoded(CancelTaskRequest, params), (request) =>
    Effect.flatMapEager(permitted(asking, "cancel", request.id), () =>
      Effect.map(asking.server.engine.cancel(request, asking.call), taskText)
    )
  )

const taskText = (task: A2A.Task): string => JSON.stringify(Task.toJSON(task))

interface Codec<in out A> {
  readonly fromJSON: (object: any) => A
  readonly toJSON: (value: A) => unknown
}

/** Who may follow a task may have it told to a webhook. */
const push =
  <A extends { readonly taskId: string }, B>(
    request: Codec<A>,
    answer: Pick<Codec<B>, "toJSON">,
    run: (handler: A2ARequestHandler, request: A, call: ServerCallContext) => Promise<B>
  ): Operation =>
  (asking, params) =>
    Effect.flatMapEager(decoded(request, params), (request) =>
      Effect.flatMapEager(permitted(asking, "events", request.taskId), () =>
        Effect.map(
          promised(() => run(asking.server.handler, request, asking.call)),
          (value) => JSON.stringify(answer.toJSON(value))
        )
      )
    )

const nothing = { toJSON: () => null }

const extendedCard: Operation = (asking, params) =>
  Effect.flatMapEager(decoded(GetExtendedAgentCardRequest, params), (request) =>
    Effect.map(
      promised(() => asking.server.handler.getAuthenticatedExtendedAgentCard(request, asking.call)),
      cardText
    )
  )

/** With the fields that are required, but that codecs leave out when they are empty. */
export const cardText = (card: A2A.AgentCard): string => {
  const json = AgentCard.toJSON(card) as Record<string, unknown>
  const { skills = [], ...rest } = json as { readonly skills?: ReadonlyArray<object> }
  return JSON.stringify({
    name: "",
    description: "",
    version: "",
    supportedInterfaces: [],
    capabilities: {},
    defaultInputModes: [],
    defaultOutputModes: [],
    ...rest,
    skills: skills.map((skill) => ({ description: "", tags: [], ...skill }))
  })
}

export const operations: ReadonlyMap<string, Operation> = /*#__PURE__*/ new Map<string, Operation>([
  ["SendMessage", sendMessage],
  ["GetTask", getTask],
  ["ListTasks", listTasks],
  ["CancelTask", cancelTask],
  [
    "CreateTaskPushNotificationConfig",
    push(TaskPushNotificationConfig, TaskPushNotificationConfig, (handler, request, call) =>
      handler.createTaskPushNotificationConfig(request, call)
    )
  ],
  [
    "GetTaskPushNotificationConfig",
    push(GetTaskPushNotificationConfigRequest, TaskPushNotificationConfig, (handler, request, call) =>
      handler.getTaskPushNotificationConfig(request, call)
    )
  ],
  [
    "ListTaskPushNotificationConfigs",
    push(ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse, (handler, request, call) =>
      handler.listTaskPushNotificationConfigs(request, call)
    )
  ],
  [
    "DeleteTaskPushNotificationConfig",
    push(DeleteTaskPushNotificationConfigRequest, nothing, (handler, request, call) =>
      handler.deleteTaskPushNotificationConfig(request, call)
    )
  ],
  ["GetExtendedAgentCard", extendedCard]
])

type Streaming = (asking: Asking, params: Params) => Effect.Effect<Stream.Stream<AgentEvent>, A2AError>

/** The methods that have a stream of answers. */
export const streams: ReadonlyMap<string, Streaming> = /*#__PURE__*/ new Map<string, Streaming>([
  [
    "SendStreamingMessage",
    (asking, params) =>
      Effect.andThen(
        streamed(asking),
        Effect.flatMapEager(accepted(asking, params), (request) =>
          Effect.map(asking.server.engine.send(request, asking.call), ({ events }) => events)
        )
      )
  ],
  [
    "SubscribeToTask",
    (asking, params) =>
      Effect.flatMap(Effect.andThen(streamed(asking), decoded(SubscribeToTaskRequest, params)), (request) =>
        Effect.flatMapEager(permitted(asking, "events", request.id), () =>
          asking.server.engine.subscribe(request, asking.call)
        )
      )
  ]
])

const streamed = ({ server: { card } }: Asking): Effect.Effect<void, A2AError> =>
  card.capabilities?.streaming === true
    ? Effect.void
    : Effect.fail(new UnsupportedOperationError("The agent does not stream"))

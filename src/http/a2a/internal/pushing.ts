/**
 * Webhooks: the SDK's sender, told of what happens to a task by a reader like any
 * other. A webhook that is slow or fails holds up nothing but the notifications of
 * its own task. What a client has registered lives as long as the task's record.
 */
import type * as A2A from "@a2a-js/sdk"
import {
  type A2AError,
  PushNotificationNotSupportedError,
  RequestMalformedError,
  TaskNotFoundError
} from "@a2a-js/sdk/errors"
import type { PushNotificationSender, PushNotificationStore, ServerCallContext } from "@a2a-js/sdk/server"
import { DefaultPushNotificationSender } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Bridge from "../../../fibers/Bridge.ts"
import type { AgentEngine, PushOptions } from "../AgentEngine.ts"
import type { AgentTask } from "./agentTask.ts"
import { newId } from "./ids.ts"

type Find = (id: string, call: ServerCallContext) => Effect.Effect<AgentTask, A2AError>
/** Forks it on behalf of the engine: the request that registers a webhook is soon over. */
type Start = (notify: Effect.Effect<void>) => Effect.Effect<unknown>
type Config = A2A.TaskPushNotificationConfig

export class Pushing {
  private readonly find: Find
  private readonly options: PushOptions
  private readonly start: Start
  private readonly sender: PushNotificationSender

  constructor(find: Find, options: PushOptions, start: Start) {
    this.find = find
    this.options = options
    this.start = start
    this.sender = options.sender?.(this.store) ?? new DefaultPushNotificationSender(this.store)
  }

  /** For the sender, which asks at each event. */
  private get store(): PushNotificationStore {
    const registered = (id: string, call: ServerCallContext) =>
      Effect.runPromise(Effect.map(this.find(id, call), ({ webhooks }) => Array.from(webhooks)))
    return {
      save: (id, call, config) => Effect.runPromise(Effect.asVoid(this.create({ ...config, taskId: id }, call))),
      load: (id, call) => registered(id, call).then((webhooks) => webhooks.map(({ config }) => config)),
      loadWithMetadata: registered,
      delete: (id, call, configId) =>
        Effect.runPromise(this.delete({ tenant: "", taskId: id, id: configId ?? id }, call))
    }
  }

  readonly create: AgentEngine["push"]["create"] = (config, call) =>
    Effect.flatMap(this.find(config.taskId, call), (visible) =>
      Effect.flatMap(this.checked(config), (config) => this.add(visible, config, call))
    )

  readonly get: AgentEngine["push"]["get"] = ({ id, taskId }, call) =>
    Effect.flatMap(this.find(taskId, call), ({ webhooks }) => {
      const found = webhooks.find(({ config }) => config.id === id)
      return found === undefined
        ? Effect.fail(new TaskNotFoundError(`The task "${taskId}" has no push notification configuration "${id}"`))
        : Effect.succeed(found.config)
    })

  readonly list: AgentEngine["push"]["list"] = ({ taskId }, call) =>
    Effect.map(this.find(taskId, call), ({ webhooks }) => ({
      configs: webhooks.map(({ config }) => config),
      nextPageToken: ""
    }))

  readonly delete: AgentEngine["push"]["delete"] = ({ id, taskId }, call) =>
    Effect.map(this.find(taskId, call), (visible) => {
      visible.webhooks = visible.webhooks.filter(({ config }) => config.id !== id)
    })

  checked(config: Config): Effect.Effect<Config, A2AError> {
    const url = URL.parse(config.url)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      return Effect.fail(new RequestMalformedError(`url must be an http(s) URL, but it is "${config.url}"`))
    }
    return this.options.allow?.(url) === false
      ? Effect.fail(new RequestMalformedError(`url: notifications may not be sent to "${url.origin}"`))
      : Effect.succeed(config)
  }

  /** Notifies from now on; an ended task keeps it, to be read. */
  add(visible: AgentTask, given: Config, call: ServerCallContext): Effect.Effect<Config> {
    const config = { ...given, taskId: visible.id, id: given.id === "" ? newId() : given.id }
    const others = visible.webhooks.filter((other) => other.config.id !== config.id)
    visible.webhooks = [...others, { config, wireVersion: call.requestedVersion }]
    if (visible.over || visible.notified) return Effect.succeed(config)
    visible.notified = true
    return Effect.as(this.start(this.notify(visible, call)), config)
  }

  /** Sends one event after the other, up to and with the end of the task. */
  private notify(visible: AgentTask, call: ServerCallContext): Effect.Effect<void> {
    return Stream.runForEach(visible.followToEnd(), ({ response }) =>
      Bridge.fromPromise(() => this.sender.send(response, call), { name: "push notification", mode: "abandon" }).pipe(
        Effect.catch((error) =>
          Effect.logWarning(`A push notification of the task "${visible.id}" failed`, error.cause)
        )
      )
    )
  }
}

const unsupported = (): Effect.Effect<never, A2AError> => Effect.fail(new PushNotificationNotSupportedError())

/** Of an agent whose card says that it has none. */
export const noPush: AgentEngine["push"] = {
  create: unsupported,
  get: unsupported,
  list: unsupported,
  delete: unsupported
}

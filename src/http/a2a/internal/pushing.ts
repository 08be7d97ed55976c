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
  TaskNotFoundError,
  UnsupportedOperationError
} from "@a2a-js/sdk/errors"
import type { PushNotificationSender, PushNotificationStore, ServerCallContext } from "@a2a-js/sdk/server"
import { DefaultPushNotificationSender } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Bridge from "../../../fibers/Bridge.ts"
import type { AgentEngine, PushOptions } from "../AgentEngine.ts"
import * as Webhook from "../Webhook.ts"
import type { AgentTask } from "./agentTask.ts"
import { countOf } from "./countOf.ts"
import { newId } from "./ids.ts"
import { inOneStep } from "./inOneStep.ts"

type Find = (id: string, call: ServerCallContext) => Effect.Effect<AgentTask, A2AError>
/** Forks it on behalf of the engine: the request that registers a webhook is soon over. */
type Start = (notify: Effect.Effect<void>) => Effect.Effect<unknown>
/** For the sender, which is outside of Effect: with the services of the engine. */
type Run = <A>(effect: Effect.Effect<A, A2AError>) => Promise<A>
type Config = A2A.TaskPushNotificationConfig

export class Pushing {
  private readonly find: Find
  private readonly start: Start
  private readonly run: Run
  private readonly allow: (url: URL) => unknown
  private readonly limit: number
  private readonly sender: PushNotificationSender

  constructor(find: Find, options: PushOptions, start: Start, run: Run) {
    this.find = find
    this.start = start
    this.run = run
    this.allow = options.allow ?? Webhook.isPublic
    this.limit = countOf("push.limit", options.limit ?? 16, "webhooks", 16)
    this.sender = options.sender?.(this.store) ?? new DefaultPushNotificationSender(this.store)
  }

  /** For the sender, which asks at each event. */
  private get store(): PushNotificationStore {
    const registered = (id: string, call: ServerCallContext) =>
      this.run(Effect.map(this.find(id, call), ({ webhooks }) => Array.from(webhooks)))
    return {
      save: (id, call, config) => this.run(Effect.asVoid(this.create({ ...config, taskId: id }, call))),
      load: (id, call) => registered(id, call).then((webhooks) => webhooks.map(({ config }) => config)),
      loadWithMetadata: registered,
      delete: (id, call, configId) => this.run(this.delete({ tenant: "", taskId: id, id: configId ?? id }, call))
    }
  }

  readonly create: AgentEngine["push"]["create"] = (config, call) =>
    inOneStep(
      Effect.flatMap(this.find(config.taskId, call), (visible) =>
        Effect.flatMap(this.checked(config), (config): Effect.Effect<Config, A2AError> => {
          const full = this.full(visible, config)
          return full === undefined ? this.add(visible, config, call) : Effect.fail(full)
        })
      )
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
    // A promise is no yes.
    return this.allow(url) === true
      ? Effect.succeed(config)
      : Effect.fail(new RequestMalformedError(`url: notifications may not be sent to "${url.origin}"`))
  }

  /** Why the task cannot have the one that comes with a message. */
  refusal(visible: AgentTask, sent: Config | undefined): A2AError | undefined {
    return sent === undefined ? undefined : this.full(visible, sentAgain(visible, sent))
  }

  /** One that comes with a message, and was not refused. */
  addSent(visible: AgentTask, sent: Config, call: ServerCallContext): Effect.Effect<Config> {
    return this.add(visible, sentAgain(visible, sent), call)
  }

  /** One in the place of another is not one more. */
  private full({ id, webhooks }: AgentTask, given: Config): A2AError | undefined {
    return webhooks.length < this.limit || webhooks.some(({ config }) => config.id === given.id)
      ? undefined
      : new UnsupportedOperationError(
          `The task "${id}" has ${this.limit} webhooks, and may have no more; delete one first`
        )
  }

  /** Notifies from now on, `inOneStep`; an ended task keeps it, to be read. */
  private add(visible: AgentTask, given: Config, call: ServerCallContext): Effect.Effect<Config> {
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

/** The one that comes with a message. */
export const webhookOf = ({ configuration }: A2A.SendMessageRequest): A2A.TaskPushNotificationConfig | undefined =>
  configuration?.taskPushNotificationConfig

/** Without an id it is that of its URL: else each message of a conversation would bring one more, which is told the same. */
const sentAgain = ({ webhooks }: AgentTask, sent: Config): Config => {
  const before = sent.id === "" ? webhooks.find(({ config: { url } }) => url === sent.url) : undefined
  return before === undefined ? sent : { ...sent, id: before.config.id }
}

export const unsupported = (): Effect.Effect<never, A2AError> => Effect.fail(new PushNotificationNotSupportedError())

/** Of an agent whose card says that it has none. */
export const noPush: AgentEngine["push"] = {
  create: unsupported,
  get: unsupported,
  list: unsupported,
  delete: unsupported
}

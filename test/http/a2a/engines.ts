/** An engine for the time of one test, and requests to it as a transport would decode them. */
import { Role, TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { ServerCallContext, type User } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Tasks } from "../../../src/fibers/Tasks.ts"
import * as Agent from "../../../src/http/a2a/Agent.ts"
import * as AgentEngine from "../../../src/http/a2a/AgentEngine.ts"
import * as Card from "../../../src/http/a2a/Card.ts"
import { textOf } from "../../../src/http/a2a/Content.ts"
import type { Turn } from "../../../src/http/a2a/Turn.ts"

/** Runs `test` with an engine over the agent; everything has ended when it returns. */
export const withEngine = <A, E, R = never>(
  agent: Agent.Agent<R> | ((turn: Turn) => Agent.Run<R>),
  test: (engine: AgentEngine.AgentEngine) => Effect.Effect<A, E, Tasks | Scope.Scope>,
  options?: { readonly history?: number; readonly maxRunning?: number; readonly retention?: { readonly count: number } }
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const made = typeof agent === "function" ? Agent.make("agent", { description: "Under test", run: agent }) : agent
    const card = Card.make(made as Agent.Agent<never>, { interfaces: ["http://agent.test/"] })
    const engine = yield* AgentEngine.make(made as Agent.Agent<never>, { card, history: options?.history })
    return yield* test(engine)
  }).pipe(Effect.scoped, Effect.provide(Layer.fresh(Tasks.layer(options))))

const messageOf = (text: string, fields?: Partial<A2A.Message>): A2A.Message => ({
  messageId: crypto.randomUUID(),
  contextId: "",
  taskId: "",
  role: Role.ROLE_USER,
  parts: [{ content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "" }],
  metadata: undefined,
  extensions: [],
  referenceTaskIds: [],
  ...fields
})

export const requestOf = (
  text: string,
  fields?: Partial<A2A.Message>,
  configuration?: Partial<A2A.SendMessageConfiguration>
): A2A.SendMessageRequest => ({
  tenant: "",
  message: messageOf(text, fields),
  configuration:
    configuration === undefined
      ? undefined
      : { acceptedOutputModes: [], taskPushNotificationConfig: undefined, returnImmediately: false, ...configuration },
  metadata: undefined
})

export const callOf = (
  who: { readonly user?: string; readonly tenant?: string; readonly extensions?: Array<string> } = {}
) =>
  new ServerCallContext({
    ...(who.user === undefined ? {} : { user: { isAuthenticated: true, userName: who.user } satisfies User }),
    ...(who.tenant === undefined ? {} : { tenant: who.tenant }),
    ...(who.extensions === undefined ? {} : { requestedExtensions: who.extensions }),
    requestedVersion: "1.0"
  })

/** One word an event, and the text in it: `SUBMITTED`, `WORKING`, `+0`, `COMPLETED`. */
export const wordOf = ({ payload }: A2A.StreamResponse): string => {
  switch (payload?.$case) {
    case "task":
      return stateOf(payload.value)
    case "statusUpdate":
      return [nameOf(payload.value.status!.state), textOf(payload.value.status!.message?.parts ?? [])].join(" ").trim()
    case "artifactUpdate":
      return `${payload.value.append ? "+" : "="}${textOf(payload.value.artifact!.parts)}${payload.value.lastChunk ? "." : ""}`
    case "message":
    case undefined:
      return String(payload?.$case)
  }
}

const nameOf = (state: TaskState): string => TaskState[state].replace("TASK_STATE_", "")

export const stateOf = (task: A2A.Task): string => nameOf(task.status!.state)

export const wordsOf = (events: Stream.Stream<AgentEngine.AgentEvent>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Stream.runCollect(events), (events) => events.map(({ response }) => wordOf(response)))

/** Reads on its own fiber, from now on. */
export const reading = (events: Stream.Stream<AgentEngine.AgentEvent>) => {
  const seen: Array<string> = []
  return Effect.map(
    Effect.forkScoped(
      Stream.runForEach(events, ({ response }) => Effect.sync(() => seen.push(wordOf(response)))),
      { startImmediately: true }
    ),
    (fiber) => ({ seen, done: Fiber.join(fiber) })
  )
}

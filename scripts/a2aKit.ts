/**
 * `npm run a2a:kit`: an agent that does what the scenarios of the official compatibility kit for A2A 1.0 ask of the
 * agent under test (branch `1.0-dev` of a2aproject/a2a-tck, which is Python and no part of this repository). There:
 * `python -m pytest tests/compatibility --sut-host=http://localhost:41300`. `PORT` by environment.
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import type * as A2A from "@a2a-js/sdk"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { A2AServer, Agent, Content, type Turn } from "rescind/a2a"
import { Tasks } from "rescind/fibers"

const port = Number(process.env["PORT"] ?? 41300)

const outputFile = { filename: "output.txt", mediaType: "text/plain" }

/** By the beginning of the message's id, which is how the kit says what it wants; the first that fits. */
const scenarios: ReadonlyArray<readonly [prefix: string, run: (turn: Turn) => Effect.Effect<void, unknown>]> = [
  ["tck-artifact-text", ({ artifact }) => artifact("Generated text content")],
  [
    "tck-artifact-file-url",
    ({ artifact }) => artifact(Content.file({ url: "https://example.com/output.txt" }, outputFile))
  ],
  ["tck-artifact-file", ({ artifact }) => artifact(textFile)],
  ["tck-artifact-data", ({ artifact }) => artifact(Content.data({ key: "value", count: 42 }))],
  // It asks for a message in the place of a task, which agents of Rescind never answer with.
  ["tck-message-response", ({ artifact }) => artifact("Direct message response")],
  ["tck-input-required", (turn) => Effect.flatMap(turn.ask("What else?"), (message) => scenarioOf(message)(turn))],
  ["tck-reject-task", ({ reject }) => reject("rejected")],
  ["tck-stream-001", ({ artifact }) => artifact("Stream hello from TCK")],
  ["tck-stream-002", () => Effect.void],
  ["tck-stream-003", ({ artifact }) => artifact("Stream task lifecycle")],
  ["tck-stream-ordering-001", ({ artifact }) => artifact("Ordered output")],
  ["tck-stream-artifact-text", ({ artifact }) => artifact("Streamed text content")],
  ["tck-stream-artifact-file", ({ artifact }) => artifact(textFile)],
  [
    "tck-stream-artifact-chunked",
    ({ artifact }) =>
      Effect.andThen(
        artifact("chunk-1 ", { id: "chunked" }),
        artifact("chunk-2", { id: "chunked", append: true, last: true })
      )
  ],
  // Twice as long as the kit waits for the events of a stream.
  ["test-resubscribe-message-id", () => Effect.sleep("4 seconds")]
]

const textFile = Content.file({ bytes: new TextEncoder().encode("Generated file content") }, outputFile)

const scenarioOf = ({ messageId }: A2A.Message): ((turn: Turn) => Effect.Effect<void, unknown>) =>
  scenarios.find(([prefix]) => messageId.startsWith(prefix))?.[1] ?? (({ say }) => say("Hello from TCK"))

const agent = Agent.make("kit", {
  description: "Does what the compatibility kit asks for",
  // What it refuses, it refuses by its media type.
  inputModes: ["text/plain", "application/json"],
  run: (turn) => scenarioOf(turn.message)(turn)
})

// The kit listens for its notifications on this machine.
const push = { allow: () => true }

HttpRouter.serve(A2AServer.layer(agent, { url: `http://localhost:${port}`, pushNotifications: true, push })).pipe(
  Layer.provide(NodeHttpServer.layer(createServer, { port })),
  Layer.provide(Tasks.layer()),
  Layer.launch,
  NodeRuntime.runMain
)

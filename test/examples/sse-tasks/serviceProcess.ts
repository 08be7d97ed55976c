/** The task service as a process of its own, with a database that a second one can go on with. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as path from "node:path"
import { call, launch, type ServerProcess, startServer } from "../server/serverProcess.ts"

const script = "src/examples/sse-tasks/main.ts"

/** A folder of its own for one test. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const parent = path.resolve(import.meta.dirname, "../../../.tmp")
    fs.mkdirSync(parent, { recursive: true })
    return fs.mkdtempSync(path.join(parent, "sse-"))
  }),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

export const startService = (
  env: Record<string, string> & { readonly DATABASE: string }
): Effect.Effect<ServerProcess, never, Scope.Scope> => startServer(env, script)

export const launchService = (env: Record<string, string>): ReturnType<typeof launch> => launch(env, script)

export const create = (server: { readonly url: string }, model: string, params: object = {}) =>
  Effect.map(Effect.orDie(call(`${server.url}/tasks`, { body: { app: "samples", model, params } })), ({ json }) => ({
    id: json.id as number,
    stream: server.url + json.links.stream,
    status: server.url + json.links.status,
    cancel: server.url + json.links.cancel
  }))

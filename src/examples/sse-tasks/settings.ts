/** The settings of the task service, from the environment; a wrong one stops the start and is named. */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as BearerTokens from "../../http/BearerTokens.ts"
import type * as TaskAccess from "../../http/TaskAccess.ts"
import { Host, port, read, whole, WrongSetting } from "../server/settings.ts"

export interface Settings {
  /** Where it listens: a port of a host, or a Unix socket. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly originPort: number
  /** A file, or `:memory:`. */
  readonly database: string
  readonly drain: Duration.Duration
  readonly maxRunTime: Duration.Duration
  readonly maxTasks: number
  readonly maxStreams: number
  readonly maxStreamsPerTask: number
  /** Of one caller, or of one address whose callers are not known. */
  readonly requestsPerMinute: number
  /** Who may use it: callers with their tokens. None: whoever reaches it. */
  readonly tokens: ReadonlyArray<BearerTokens.Entry<TaskAccess.Caller>>
}

const Path = Schema.String.check(Schema.isMaxLength(100))

const count = (variable: string, otherwise: number): Effect.Effect<number, WrongSetting> =>
  read(variable, whole(1, 99_999), "a whole number from 1 to 99999", otherwise)

const seconds = (variable: string, otherwise: number): Effect.Effect<Duration.Duration, WrongSetting> =>
  Effect.map(read(variable, whole(0, 86_400), "a whole number of seconds from 0 to 86400", otherwise), Duration.seconds)

export const settings: Effect.Effect<Settings, WrongSetting> = Effect.gen(function* () {
  const socket = yield* read("SOCKET", Path, "the path of a Unix socket, at most 100 characters", "")
  const host = yield* read("HOST", Host, "a host name or an IP address", "127.0.0.1")
  const listen = yield* port("PORT", 3002)
  return {
    listen: socket === "" ? { host, port: listen } : { path: socket },
    originPort: yield* port("ORIGIN_PORT", listen === 0 || socket !== "" ? 0 : listen === 65_535 ? 65_534 : listen + 1),
    database: yield* read("DATABASE", Schema.String, "a file name", "sse-tasks.sqlite"),
    drain: yield* seconds("DRAIN_SECONDS", 30),
    maxRunTime: yield* seconds("MAX_RUN_SECONDS", 3600),
    maxTasks: yield* count("MAX_TASKS", 1000),
    maxStreams: yield* count("MAX_STREAMS", 5000),
    maxStreamsPerTask: yield* count("MAX_STREAMS_PER_TASK", 1000),
    requestsPerMinute: yield* count("REQUESTS_PER_MINUTE", 6000),
    tokens: yield* Effect.mapError(
      Config.withDefault(BearerTokens.config("TASK_TOKENS"), []),
      ({ cause }) => new WrongSetting({ variable: "TASK_TOKENS", message: cause.message })
    )
  }
})

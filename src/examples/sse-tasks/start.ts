/** The service of the example on a port or a Unix socket, with an origin to fetch from. Both listen when it returns. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as BearerTokens from "../../http/BearerTokens.ts"
import { cannotListen, cannotListenAt } from "../server/cannotListen.ts"
import * as ExamplePage from "../server/examplePage.ts"
import { localHosts } from "../server/localHosts.ts"
import * as Origin from "../server/origin.ts"
import { promptServer } from "../server/promptServer.ts"
import { urlOf } from "../server/tryIt.ts"
import { tokenCookie } from "./http/sessionRoute.ts"
import { all } from "./models/all.ts"
import type { Settings } from "./settings.ts"
import * as TaskService from "./taskService.ts"

/** The message is for whoever starts the server. */
export class CannotStart extends Data.TaggedError("CannotStart")<{ readonly message: string }> {}

export interface Started {
  /** A URL, or the path of the socket. */
  readonly address: string
  readonly origin: Origin.Origin
  readonly context: Context.Context<TaskService.Services>
}

export const start = (settings: Settings): Effect.Effect<Started, CannotStart, Scope.Scope> =>
  Effect.gen(function* () {
    const { listen, originPort } = settings
    // First, so that of two busy ports the one is named that moves both.
    const listening = yield* Layer.build(
      NodeHttpServer.layer(promptServer, {
        ...listen,
        gracefulShutdownTimeout: "1 second"
      })
    ).pipe(
      Effect.mapError(({ cause }) =>
        cannotStart(
          "path" in listen
            ? cannotListenAt("SOCKET", listen.path, cause)
            : cannotListen("PORT", listen.host, listen.port, cause)
        )
      )
    )
    const origin = yield* Effect.mapError(Origin.make({ port: originPort }), ({ cause, host }) =>
      cannotStart(cannotListen("ORIGIN_PORT", host, originPort, cause))
    )
    const context = yield* TaskService.layer(
      {
        ...settings,
        models: all(origin.url),
        access: accessOf(settings),
        // No page of another site may reach this machine through a name that it points here.
        hosts: "path" in listen ? undefined : localHosts(listen.host)
      },
      ExamplePage.layer(new URL("page.html", import.meta.url))
    ).pipe(
      Layer.provide(NodeFileSystem.layer),
      Layer.build,
      Effect.mapError(({ message }) => cannotStart(cannotUse(settings.database, message))),
      Effect.provideContext(listening)
    )
    const { address } = yield* Effect.provideContext(HttpServer.HttpServer, listening)
    const port = address._tag === "UnixPathAddress" ? 0 : address.port
    return { address: "path" in listen ? listen.path : urlOf(listen.host, port), origin, context }
  })

/** From the page the token comes as a cookie, since an EventSource can send no header. */
const accessOf = ({ tokens }: Settings) =>
  tokens.length === 0 ? Layer.empty : BearerTokens.layer({ tokens, cookie: tokenCookie })

const cannotUse = (database: string, why: string): string =>
  `Cannot use the database ${database}: ${why}. Set DATABASE to a file that this user may write and no other server uses.`

const cannotStart = (message: string): CannotStart => new CannotStart({ message })

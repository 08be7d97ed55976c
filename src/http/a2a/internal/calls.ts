/** What the headers of a request say: who asks, in which version of the protocol, with which extensions. */
import { Extensions } from "@a2a-js/sdk"
import { type A2AError, VersionNotSupportedError } from "@a2a-js/sdk/errors"
import { ServerCallContext, STATE_HEADERS_KEY, UnauthenticatedUser } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { Visitor } from "../../TaskAccess.ts"
import type { AgentServer, Binding } from "./agentServer.ts"

type Request = HttpServerRequest.HttpServerRequest

/** What is said by nobody (section 3.6.2). */
export const legacyVersion = "0.3"

/**
 * Of the header, or of a query parameter of the same name, without the patch number, which means nothing (section 3.6).
 */
export const versionOf = ({ headers, url }: Request): string => {
  const header = headers["a2a-version"]
  if (header === "1.0") return header
  const said = (header ?? queried(url) ?? "").trim()
  return said === "" ? legacyVersion : said.replace(/^(\d+\.\d+)\.\d+$/, "$1")
}

const queried = (url: string): string | undefined => {
  const query = url.indexOf("?")
  if (query === -1) return undefined
  for (const [name, value] of new URLSearchParams(url.slice(query))) {
    if (name.toLowerCase() === "a2a-version") return value
  }
  return undefined
}

/** Fails if the card does not offer that version by this binding. */
export const callOf = (
  { offered }: AgentServer,
  binding: Binding,
  request: Request,
  { id }: Visitor,
  tenant: string | undefined
): Effect.Effect<ServerCallContext, A2AError> => {
  const version = versionOf(request)
  if (!offered[binding].has(version)) {
    const versions = Array.from(offered[binding]).join(", ")
    return Effect.fail(
      new VersionNotSupportedError(
        `A2A ${version} is not supported here; say one of ${versions} in the header A2A-Version`
      )
    )
  }
  const { headers } = request
  const asked = headers["a2a-extensions"] ?? (version === legacyVersion ? headers["x-a2a-extensions"] : undefined)
  const call = new Call(headers, {
    requestedExtensions: asked === undefined ? [] : Extensions.parseServiceParameter(asked),
    requestedVersion: version,
    user: id === undefined ? anonymous : { isAuthenticated: true, userName: id },
    state: unmade
  })
  if (tenant !== undefined && tenant !== "") call.setTenant(tenant)
  return Effect.succeed(call)
}

const unmade: Map<string, unknown> = /*#__PURE__*/ new Map()

/** Its state is made for who asks: most agents do not. */
class Call extends ServerCallContext {
  private readonly headers: Request["headers"]
  private made: Map<string, unknown> | undefined = undefined

  constructor(headers: Request["headers"], options: ConstructorParameters<typeof ServerCallContext>[0]) {
    super(options)
    this.headers = headers
  }

  override get state(): Map<string, unknown> {
    return (this.made ??= new Map<string, unknown>([[STATE_HEADERS_KEY, this.headers]]))
  }
}

const anonymous = /*#__PURE__*/ new UnauthenticatedUser()

/** The extensions that the agent has used, for the answer. */
export const extensionsHeader = ({ activatedExtensions, requestedVersion }: ServerCallContext): Headers | undefined =>
  activatedExtensions === undefined
    ? undefined
    : {
        [requestedVersion === legacyVersion ? "x-a2a-extensions" : "a2a-extensions"]:
          Extensions.toServiceParameter(activatedExtensions)
      }

type Headers = Readonly<Record<string, string>>

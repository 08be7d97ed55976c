/**
 * Callers who say who they are by a secret token, `authorization: Bearer …`
 * (RFC 6750): for services, scripts and small teams. Tokens come from the
 * configuration, best as hashes (`sha256:…`); hashes are what is compared, in
 * constant time, and nothing of a token is written to a log. What callers may do
 * is a rule of `TaskAccess`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type * as OpenApi from "effect/http-api/OpenApi"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { presentedToken } from "./internal/presentedToken.ts"
import type { Problem } from "./Problem.ts"
import * as TaskAccess from "./TaskAccess.ts"

/**
 * A token and who it stands for: one caller may have several, while one replaces
 * the other.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry<out C extends TaskAccess.Caller> {
  /**
   * 16 letters, digits, `-`, `.`, `_`, `~`, `+` or `/` and more, made at random; or `sha256:` and the 64 hex digits that
   * `printf %s "$TOKEN" | sha256sum` prints.
   */
  readonly token: Redacted.Redacted
  readonly caller: C
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options<C extends TaskAccess.Caller> {
  readonly tokens: ReadonlyArray<Entry<C>>
  /** Default: `TaskAccess.owned`. */
  readonly may?: TaskAccess.Rule<C> | undefined
  /** Default: nobody. */
  readonly inspect?: ((caller: C) => boolean) | undefined
  /** Who comes without a token. Default: nobody may. */
  readonly anonymous?: C | undefined
  /**
   * The cookie that a token may stand in, for pages: an `EventSource` can send no header. Set it with `HttpOnly`,
   * `Secure` and `SameSite=Strict`. Default: none.
   */
  readonly cookie?: string | undefined
  /**
   * Whether the token of an event stream may stand in its URL (`?access_token=…`), for an `EventSource` of another
   * site. URLs are kept by proxies and histories: give such clients tokens of their own that may do little. Default: false.
   */
  readonly inQuery?: boolean | undefined
  /** What the tokens are for, in challenges. Default: `tasks`. */
  readonly realm?: string | undefined
}

/**
 * A token that could never be sent, is short, or stands for two callers, is a
 * defect that names the caller.
 *
 * @example
 * ```ts
 * const server = TaskServer.layer({ tasks }).pipe(
 *   Layer.provide(Layer.unwrap(Effect.map(BearerTokens.config("TASK_TOKENS"), (tokens) => BearerTokens.layer({ tokens }))))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <C extends TaskAccess.Caller>(options: Options<C>): Layer.Layer<never> =>
  Layer.unwrap(
    Effect.map(identifyBy(options), (identify) =>
      TaskAccess.layer({
        identify,
        may: options.may,
        inspect: options.inspect,
        security: { schemes: schemesOf(options), optional: options.anonymous !== undefined }
      })
    )
  ).pipe(Layer.provide(Digest.layerWebCrypto))

/**
 * Tokens from one variable, `ann=…,bob=sha256:…`. A mistake names the caller, or
 * the place in the list, and never shows what stands there.
 *
 * @category configuration
 * @since 0.1.0
 */
export const config = (
  name: string
): Config.Config<ReadonlyArray<Entry<TaskAccess.Caller & { readonly id: string }>>> =>
  Config.mapEffect(Config.Redacted(name), (text) => {
    const entries: Array<Entry<{ readonly id: string }>> = []
    for (const [index, entry] of Redacted.value(text).split(",").entries()) {
      if (entry.trim() === "") continue
      const [, id, token] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(entry) ?? []
      if (id === undefined || token === undefined) {
        return wrong(`${name}: number ${index + 1} is not of the form "caller=token"`)
      }
      const mistake = mistakeIn(token)
      if (mistake !== undefined) return wrong(`${name}: the token of ${JSON.stringify(id)} ${mistake}`)
      entries.push({ token: Redacted.make(token), caller: { id } })
    }
    return Effect.succeed(entries)
  })

const wrong = (message: string): Effect.Effect<never, Config.ConfigError> =>
  Effect.fail(new Config.ConfigError(new Schema.SchemaError(new SchemaIssue.InvalidValue({ message }))))

const hashed = /^sha256:([0-9a-f]{64})$/i

const mistakeIn = (token: string): string | undefined => {
  if (token.startsWith("sha256:")) return hashed.test(token) ? undefined : "must have 64 hex digits after `sha256:`"
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return "has characters that cannot be sent as a bearer token"
  return token.length < 16 ? "must have 16 characters or more" : undefined
}

const digestOf = (token: string): Effect.Effect<Uint8Array, never, Digest.Digest> =>
  Digest.Digest.use((digest) => digest.digest(Digest.sha256, new TextEncoder().encode(token)))

interface Known<out C> {
  readonly digest: Uint8Array
  readonly caller: C
}

const knownBy = <C extends TaskAccess.Caller>({
  caller,
  token
}: Entry<C>): Effect.Effect<Known<C>, never, Digest.Digest> =>
  Effect.suspend(() => {
    const text = Redacted.value(token)
    const mistake = mistakeIn(text)
    if (mistake !== undefined) return Effect.die(new TypeError(`The token of ${JSON.stringify(caller.id)} ${mistake}`))
    const hash = hashed.exec(text)?.[1]
    const digest = hash === undefined ? digestOf(text) : Effect.orDie(Effect.fromResult(Hex.decode(hash.toLowerCase())))
    return Effect.map(digest, (digest) => ({ digest, caller }))
  })

const identifyBy = <C extends TaskAccess.Caller>(options: Options<C>) =>
  Effect.gen(function* () {
    const context = yield* Effect.context<Digest.Digest>()
    const known = yield* Effect.forEach(options.tokens, knownBy)
    for (const [index, { caller, digest }] of known.entries()) {
      const other = known.slice(0, index).find((before) => equal(before.digest, digest))
      if (other !== undefined) {
        const callers = `${JSON.stringify(other.caller.id)} and ${JSON.stringify(caller.id)}`
        return yield* Effect.die(new TypeError(`One token stands for ${callers}`))
      }
    }
    const { anonymous, cookie, inQuery = false, realm = "tasks" } = options
    const roads = { cookie, inQuery }
    const challenge = `Bearer realm=${JSON.stringify(realm)}`
    const refused = (detail: string) =>
      Effect.fail(TaskAccess.unidentified(detail, `${challenge}, error="invalid_token"`))
    return (request: HttpServerRequest.HttpServerRequest): Effect.Effect<C, Problem> => {
      const presented = presentedToken(request, roads)
      if (presented._tag === "None") {
        return anonymous === undefined
          ? Effect.fail(TaskAccess.unidentified('Send the header "authorization: Bearer <token>"', challenge))
          : Effect.succeed(anonymous)
      }
      if (presented._tag === "Malformed") return refused(presented.message)
      return Effect.flatMap(Effect.provideContext(digestOf(presented.token), context), (digest) => {
        // All of them, so that the time says nothing.
        let caller: C | undefined
        for (const entry of known) if (equal(entry.digest, digest)) caller = entry.caller
        return caller === undefined ? refused("This token is not known") : Effect.succeed(caller)
      })
    }
  })

/** In the same time, wherever they differ. */
const equal = (self: Uint8Array, that: Uint8Array): boolean => {
  let differing = self.length ^ that.length
  for (let index = 0; index < self.length; index++) differing |= self[index]! ^ that[index]!
  return differing === 0
}

const schemesOf = ({
  cookie,
  inQuery
}: Pick<Options<any>, "cookie" | "inQuery">): Record<string, OpenApi.OpenAPISecurityScheme> => ({
  bearer: { type: "http", scheme: "bearer" },
  ...(cookie === undefined ? {} : { cookie: { type: "apiKey", in: "cookie", name: cookie } }),
  ...(inQuery === true ? { query: { type: "apiKey", in: "query", name: "access_token" } } : {})
})

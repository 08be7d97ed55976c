/** Says in an OpenAPI document how callers say who they are. */
import type * as OpenApi from "effect/http-api/OpenApi"
import type { Security } from "../TaskAccess.ts"

export const secured =
  ({ optional = false, schemes }: Security) =>
  (document: Record<string, any>): Record<string, any> => {
    const spec = document as OpenApi.OpenAPISpec
    const requirements = (path: string) => [
      ...Object.entries(schemes)
        // Only an `EventSource`, which cannot send headers, has its token in the query.
        .filter(([, scheme]) => scheme.type !== "apiKey" || scheme.in !== "query" || path.endsWith("/events"))
        .map(([name]) => ({ [name]: [] })),
      ...(optional ? [{}] : [])
    ]
    const paths = Object.entries(spec.paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations as Record<string, OpenApi.OpenAPISpecOperation>).map(([method, operation]) => [
          method,
          // Whoever probes has no token: no requirement at all.
          { ...operation, security: /^\/(?:health|ready)$/.test(path) ? [] : requirements(path) }
        ])
      )
    ])
    return {
      ...spec,
      paths: Object.fromEntries(paths),
      components: { ...spec.components, securitySchemes: { ...spec.components.securitySchemes, ...schemes } }
    }
  }

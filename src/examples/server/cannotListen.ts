/** What whoever starts a server reads if it cannot listen: why, and which setting to change. */
export const cannotListen = (variable: string, host: string, port: number, cause: unknown): string => {
  const code = codeOf(cause)
  const what = `Cannot listen on ${host}, port ${port}: `
  if (code === "EADDRINUSE") {
    return `${what}the port is in use. Stop what listens there, or set ${variable} to a free one.`
  }
  if (code === "EACCES") return `${what}this user may not. Set ${variable} to 1024 or more.`
  return `${what}${whyOf(cause)}. Check HOST and ${variable}.`
}

/** The same for a Unix socket, whose file a killed server leaves behind. */
export const cannotListenAt = (variable: string, path: string, cause: unknown): string => {
  const what = `Cannot listen on the socket ${path}: `
  return codeOf(cause) === "EADDRINUSE"
    ? `${what}it exists. Stop what listens there, remove the file if nothing does, or set ${variable} to another path.`
    : `${what}${whyOf(cause)}. Check ${variable}.`
}

const codeOf = (cause: unknown): unknown => (cause instanceof Error && "code" in cause ? cause.code : undefined)

const whyOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

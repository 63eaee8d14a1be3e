// What went wrong with a request, and how to say it to a person.

/** An error answer of the server, or no answer at all (`status` 0). */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;
  /** Lets an operator find the request in the activity log and the server's log. */
  readonly correlationId: string | null;
  /** What is wrong in each place, where the server says it. */
  readonly details: readonly string[];

  constructor(status: number, code: string, message: string, correlationId: string | null = null, details: readonly string[] = []) {
    super(message);
    this.name = "Failure";
    this.status = status;
    this.code = code;
    this.correlationId = correlationId;
    this.details = details;
  }
}

/** Reads ARM's envelope `{"error":{…}}`, the unwrapped `{"code","message"}`, OAuth's, and the storage service's XML. */
export function failureFrom(status: number, body: string, correlationId: string | null): Failure {
  const xml = /<Code>([^<]*)<\/Code>\s*<Message>([^<]*)<\/Message>/.exec(body);
  if (xml) return new Failure(status, xml[1] ?? "", xml[2] ?? "", correlationId);
  let code = "";
  let message = "";
  let told: string[] = [];
  try {
    const parsed: unknown = JSON.parse(body);
    const outer = isRecord(parsed) ? parsed : {};
    const error = isRecord(outer.error) ? outer.error : outer;
    code = text(error.code) || text(outer.error);
    message = text(error.message) || text(outer.error_description);
    const details = Array.isArray(error.details) ? error.details : [];
    told = details.map((detail: unknown) => (isRecord(detail) ? text(detail.message) : "")).filter((one) => one !== "");
    const [first = ""] = told;
    if (!message.includes(first)) message = `${message} ${first}`.trim();
  } catch {
    // Not JSON: the status has to do.
  }
  return new Failure(status, code || `Http${status}`, message || `The server answered with status ${status}.`, correlationId, told);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A failure in words: what happened, and what to do about it. */
export interface Explanation {
  readonly title: string;
  readonly detail: string;
  /** Set with a missing right. */
  readonly action?: string;
  readonly scope?: string;
  readonly correlationId?: string;
}

/** Says what happened in words. */
export function explain(error: unknown): Explanation {
  if (!(error instanceof Failure)) {
    return { title: "Something unexpected happened", detail: error instanceof Error ? error.message : String(error) };
  }
  const reference = error.correlationId === null ? {} : { correlationId: error.correlationId };
  const right = /perform action '([^']+)' over scope '([^']+)'/.exec(error.message);
  if (error.status === 403 && right) {
    return {
      title: "You do not have the right to do this",
      detail: "Your roles do not allow this action here. An owner of the scope can assign a role that does.",
      action: right[1] ?? "",
      scope: right[2] ?? "",
      ...reference,
    };
  }
  return { title: title(error), detail: error.message, ...reference };
}

function title(error: Failure): string {
  switch (error.code) {
    case "ResourceNotFound":
      if (/Hardline\.Detection|Microsoft\.Authorization/i.test(error.message)) return "This does not exist any more";
      return "This virtual machine does not exist";
    case "ParentResourceNotFound":
      return "This virtual machine does not exist";
    case "ResourceGroupNotFound":
      return "This resource group does not exist";
    case "HostUnavailable":
    case "HostNotConnected":
      return "The virtual machine's host is away";
    case "InvalidRule":
      return "The rule's text is not right";
  }
  if (error.status === 0) return "The server cannot be reached";
  if (error.status === 403) return "Not allowed";
  if (error.status === 404) return "Not found";
  if (error.status === 409) return "Not possible at present";
  if (error.status === 503) return "Not available at present";
  if (error.status === 507) return "No room is left";
  if (error.status >= 500) return "The server failed";
  return "The request was refused";
}

/** True when boot diagnostics being off is the cause. */
export function isDiagnosticsOff(error: unknown): boolean {
  return error instanceof Failure && (error.status === 409 || error.status === 400) && /boot\s*diagnostics/i.test(error.message);
}

/** Whether the server said no, and would say it again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Failure && error.status >= 400 && error.status < 500 && error.status !== 429;
}

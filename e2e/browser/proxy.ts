// A proxy before the hub, to look at the page from below a path, and in states
// that a hub does not get into at will.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A Fault answers some requests in the hub's place. */
export interface Fault {
  /** Paths below the hub's root. */
  on: RegExp;
  status: number;
  detail: string;
}

/** Proxy stands before the hub at target, below a prefix. */
export class Proxy {
  /** Answers in the hub's place; the first that fits. */
  faults: Fault[] = [];
  /** Changes JSON answers on their way. */
  change: ((path: string, body: unknown) => unknown) | null = null;
  /** No connection gets an answer. */
  away = false;
  /** Rounds are told by tell(), and no longer by the hub. */
  ownEvents = false;

  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly streams = new Set<ServerResponse>();

  private constructor(
    private readonly target: URL,
    private readonly prefix: string,
  ) {
    this.server = createServer((incoming, answer) => this.handle(incoming, answer));
    this.server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
  }

  /** before starts a proxy; prefix is "" or "/some/path". */
  static async before(hub: string, prefix = ""): Promise<Proxy> {
    const proxy = new Proxy(new URL(hub), prefix);
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${this.prefix}`;
  }

  /** goAway cuts every connection and answers none until comeBack. */
  goAway(): void {
    this.away = true;
    for (const socket of this.sockets) socket.destroy();
  }

  comeBack(): void {
    this.away = false;
  }

  /** How many listen to tell(). */
  get listening(): number {
    return this.streams.size;
  }

  /** tell tells the page of a round. */
  tell(number: number, intervalSeconds = 10): void {
    const data = { number, time: new Date().toISOString(), intervalSeconds, windowSeconds: 3600, etag: `t-${number}` };
    for (const stream of this.streams) stream.write(`event: round\nid: t-${number}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async close(): Promise<void> {
    this.goAway();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private handle(incoming: IncomingMessage, answer: ServerResponse): void {
    const url = incoming.url ?? "/";
    if (this.away) return void incoming.socket.destroy();
    if (!url.startsWith(`${this.prefix}/`)) return refuse(answer, 404, "outside of the proxy's path");
    const path = url.slice(this.prefix.length);
    const fault = this.faults.find(({ on }) => on.test(path));
    if (fault) return refuse(answer, fault.status, fault.detail);
    if (this.ownEvents && path.startsWith("/api/v1/events")) return this.stream(answer);
    this.forward(incoming, answer, path);
  }

  private stream(answer: ServerResponse): void {
    answer.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    answer.write(": here\n\n");
    this.streams.add(answer);
    answer.on("close", () => this.streams.delete(answer));
  }

  private forward(incoming: IncomingMessage, answer: ServerResponse, path: string): void {
    const headers = { ...incoming.headers, host: this.target.host };
    const changes = this.change !== null && path.startsWith("/api/v1/") && !path.startsWith("/api/v1/events");
    if (changes) delete headers["accept-encoding"];
    const onward = request({ host: this.target.hostname, port: this.target.port, method: incoming.method, path, headers }, (reply) => {
      if (changes) return void this.rewrite(reply, answer, path);
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    incoming.pipe(onward);
  }

  private async rewrite(reply: IncomingMessage, answer: ServerResponse, path: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of reply) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
    answer.writeHead(reply.statusCode ?? 502, { "Content-Type": reply.headers["content-type"] ?? "application/json", "Cache-Control": "no-store" });
    answer.end(JSON.stringify(this.change?.(path, body) ?? body));
  }
}

function refuse(answer: ServerResponse, status: number, detail: string): void {
  answer.writeHead(status, { "Content-Type": "application/problem+json", "Cache-Control": "no-store" });
  answer.end(JSON.stringify({ type: "about:blank", title: "Refused", status, detail, instance: "/" }));
}

/* Types of the chat for `tsc`, which checks the JSDoc of chat.js. No browser loads this file.
   docs/develop/web-protocol.md describes the entries and what a host sends. */

interface QuickReply {
  token: string;
  label: string;
  /** What is read aloud instead of the label. */
  spoken?: string;
  number: number | null;
  chosen: boolean | null;
}

/** An image of a message; `number` is that of the option it shows, 0 for the question. */
interface ChatImage {
  source: string;
  text: string;
  alt: string;
  width: number;
  height: number;
  number: number;
}

/** An entry of the log that the bot wrote. */
interface BotEntry {
  seq: number;
  text: string;
  images: ChatImage[];
  language: string;
  dir: string;
  expects: string;
  quick_replies: QuickReply[];
  audio?: string;
  speak?: string;
}

/** An entry of the log that the resident wrote; `id` is that of the message. */
interface OwnEntry {
  seq: number;
  own: string;
  id: string;
}

type LogEntry = BotEntry | OwnEntry;

/** What the server sends on a line: a greeting, entries, an acknowledgement or a refusal. */
interface ServerData {
  epoch?: string;
  seq?: number;
  entries?: LogEntry[];
  ack?: string;
  error?: string;
  id?: string;
  text?: string;
  retry?: number;
}

/** What the resident says: a text or the token of a button. */
interface Words {
  id: string;
  text?: string;
  choice?: string;
  shown?: string;
}

type Timer = ReturnType<typeof setTimeout> | null;

/** Ends a line; a line with a way back has `send`. */
interface Close {
  (): void;
  send?(words: string): void;
}

/** The page, and what a browser has. */
interface Host {
  endpoint: string;
  epoch: string;
  after: number;
  WebSocket?: new (url: string) => WebSocket;
  EventSource?: new (url: string) => EventSource;
  fetch(url: string, options: RequestInit): Promise<Response>;
  setTimeout(act: () => void, wait: number): Timer;
  clearTimeout(timer: Timer): void;
  random(): number;
  show(entry: LogEntry): void;
  clear(): void;
  sent(id: string): void;
  refused(words: Words, text: string): void;
  line(state: "online" | "offline"): void;
  trouble(text: string): void;
}

/** A sound that is played. */
interface Spoken {
  button: HTMLButtonElement;
  sound?: HTMLAudioElement;
  speech?: SpeechSynthesisUtterance;
}

declare var module: { exports: object } | undefined;

// What a client is told instead of an answer. Codes are 400 to 1999.
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

"use strict";
// Links for people.

document.getElementById("invite").addEventListener("submit", async (event) => {
  event.preventDefault();
  const place = document.getElementById("invited");
  const name = document.getElementById("person").value.trim();
  const response = await fetch("/api/people", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Llmal": "1" },
    body: JSON.stringify({ name }),
    credentials: "same-origin",
  }).catch(() => null);
  const answer = response ? await response.json() : { error: "the server does not answer" };
  place.replaceChildren();
  if (answer.error) {
    place.textContent = answer.error;
    return;
  }
  const address = new URL(answer.path, location.href).href;
  place.append(`For ${name}: `);
  const shown = document.createElement("a");
  shown.href = address;
  shown.textContent = address;
  place.append(shown);
});

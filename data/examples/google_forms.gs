// Google Forms → Отклик. In the form: ⋮ → Apps Script, paste, fill in the two constants, then
// Triggers → Add trigger → onFormSubmit, «From form», «On form submit».
const ADDRESS = "https://otklik.example.ru/v1/intake/google-forms";
const TOKEN = "the token of google-forms in intake.yaml";

function onFormSubmit(e) {
  const answers = {};
  e.response.getItemResponses().forEach(function (item) {
    answers[item.getItem().getTitle()] = item.getResponse();
  });
  UrlFetchApp.fetch(ADDRESS, {
    method: "post",
    contentType: "application/json",
    headers: { Authorization: "Bearer " + TOKEN },
    payload: JSON.stringify({
      response_id: e.response.getId(),
      submitted_at: e.response.getTimestamp().toISOString(),
      respondent_email: e.response.getRespondentEmail(),
      form_id: e.source.getId(),
      answers: answers,
    }),
  });
}

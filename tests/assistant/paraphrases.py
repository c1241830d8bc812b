"""Sentences about the example documents, written by hand, and whether they are fair.

Each line: `+` fair (the passage says it, in these or in other words) or `-` invented (it
changes or adds something). The passage is the section that holds the anchor words.
"""

from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"

TABLE: dict[tuple[str, str], str] = {
    ("documents/handbook.md", "Full time is 36 hours"): """
+ A full-time week has 36 hours.
+ Staff may not work more than six days in a row.
+ From April to October, work can begin at 7 am and must be over by 7 pm.
- A full-time week has 38 hours.
- From April to October, work can begin at 8 am and must be over by 7 pm.
- Full-time staff work 36 hours a week and are paid every Friday.
- Staff may work more than six days in a row.
- Between April and October a working day may start at 07:00 and shall end by 19:00, with at most \
40 minutes of break.
""",
    ("documents/handbook.md", "During a storm warning"): """
+ One person stays in the tower overnight when there is a storm warning.
+ A night watch earns an extra allowance of £38, and the following day is off.
+ The rota for night watches is drawn up by the keeper.
+ No one is asked to do more than 4 night watches a month.
- A night watch earns an extra allowance of £83.
- The rota for night watches is drawn up by the director.
- The next day after a night watch is not free.
- Two people stay at the tower overnight during a storm warning.
- During a storm warning one person stays at the tower overnight and has to light the lamp by hand.
- Each night watch is followed by a week of rest in a hotel.
""",
    ("documents/handbook.md", "Full-time staff have 27 days"): """
+ Full-time employees get 27 days of paid holiday per year, on top of public holidays.
+ Up to 5 days of leave can be carried over, but they have to be used before the end of March.
+ At most two people may be on holiday at once in August.
+ Part-timers get a proportional share.
- Full-time employees get 27 days of paid holiday per year, including public holidays and birthdays.
- Up to five days may be carried over and must be used by 31 May.
- In July no more than two people may be on holiday at the same time.
- Full-time employees get 72 days of paid holiday per year.
- Unused holiday is paid out at the end of the year.
""",
    ("documents/handbook.md", "Pay arrives on the 24th"): """
+ Salaries are paid on the 24th of every month.
+ The Trust contributes 7% of salary to the pension scheme.
+ Staff contribute at least four percent to their pension.
- The Trust contributes 4 % of salary to the pension scheme.
- Salaries are paid on the 28th of every month.
- Staff pay at most 4 per cent.
- The pension scheme is run by a bank in Edinburgh.
""",
    ("documents/handbook.md", "Claims handed in by the 10th"): """
+ If you hand in a claim by the 10th, it is paid with that month's salary.
+ You need a receipt for anything over £8.
+ Car journeys are reimbursed at £0.42 per mile and bicycle trips at 20 pence per mile.
+ Commuting to your usual workplace is not reimbursed.
- You need a receipt for anything over £80.
- Journeys in your own car are paid at 20 pence a mile, by bicycle at 42 pence a mile.
- The way to and from your usual place of work is paid.
- Receipts must be sent to the bookkeeper by registered mail.
""",
    ("documents/handbook.md", "At gusts of 40 knots"): """
+ The gallery is closed when gusts reach 40 knots.
+ Visitors may not enter the tower at gusts of 55 knots.
+ When gusts hit 65 knots, everyone except the night watch has to leave the headland.
+ The keeper makes the decision.
- The gallery is closed when gusts reach 55 knots.
- At gusts of 40 knots the whole tower is closed to visitors.
- At 65 knots everyone leaves the headland by helicopter.
- The director decides about closing the tower.
""",
    ("documents/handbook.md", "The boat *Petrel* carries"): """
+ The Petrel can carry up to six people.
+ The boat always has two crew members on board.
+ The boat stays in harbour when visibility is under half a mile.
+ Everyone has to wear a lifejacket once off the quay.
- The Petrel can carry up to eight people.
- The Petrel carries at least six people.
- The boat was built in Norway by a family of shipwrights.
- The boat leaves the harbour above wind force 5.
""",
    ("documents/handbook.md", "Anyone alone on the site"): """
+ A person working alone must call the Old Signal House every two hours on channel 12.
+ The duty person telephones when a call is 20 minutes overdue.
+ If the call is 40 minutes late, the coastguard is called.
- A person working alone must call the Old Signal House every four hours on channel 12.
- If a call is 40 minutes late, the duty person telephones; if it is 20 minutes late, the duty \
person calls the coastguard.
- Anyone alone on the site calls the coastguard every two hours on VHF channel 16.
""",
    ("documents/handbook.md", "There are four sets of keys"): """
+ Four sets of keys exist.
+ The fourth set is kept in the locked box at the gate for the Lights Authority's engineers.
+ Losing a set must be reported within an hour.
+ The director, the keeper and the visitor manager each hold a set.
- The fourth set is held by the bookkeeper.
- Losing a set must be reported within a week.
- There are five sets of keys.
- A lost set is reported within one hour, and the finder is given a reward.
""",
    ("documents/handbook.md", "The first four months"): """
+ Probation lasts four months.
+ During probation, both sides can give two weeks' notice.
+ There are talks after 6 and 14 weeks.
- Probation lasts six months.
- During probation notice is not possible.
- During probation only the Trust may give two months' notice.
""",
    ("documents/handbook.md", "Raise a concern first"): """
+ Concerns about the director should go to the chair, Ruth Okafor.
+ A written answer comes within 15 working days.
+ Raising a concern in good faith does not lead to worse treatment.
- Concerns about the director should go to the chair, Gregor Pell.
- It is answered by telephone within 15 working days.
- People are treated worse for raising a concern in good faith.
""",
    ("documents/field-notes.txt", "Storm from the west-north-west"): """
+ On 9 February the strongest gust was 71 knots, at 03:52.
+ The storm tore four slates off the cottage roof.
+ The generator ran for nine hours after the mains power failed at 2:15 am.
+ The lantern was not damaged.
+ Tobias was on night watch during the storm.
- On 9 February the strongest gust was 52 knots, at 03:52.
- The lantern was damaged.
- The generator ran for nine hours and burned 64 litres of fuel.
- Lotte was on night watch during the storm.
- The storm tore four slates off the cottage roof and broke a window in the kitchen.
- The storm came from the east-south-east.
""",
    ("documents/field-notes.txt", "Lamp dark from 21:31"): """
+ The lamp was dark for four minutes on 17 April.
+ A stuck relay, K3, was the cause.
+ Engineer Marit Solberg replaced the relay on the 18th.
+ Tobias Renn phoned the Lights Authority at 21:33.
- The lamp was dark for forty minutes on 17 April.
- A stuck relay, K5, was the cause.
- Engineer Ines Marlow replaced the relay on the 18th.
- The lamp went dark because of a lightning strike.
- The relay was replaced on 18 May.
""",
    ("documents/field-notes.txt", "Nest count on the north ledge"): """
+ 143 kittiwake nests were counted, compared with 131 in 2024.
+ The count included 58 razorbills, 212 guillemots and 27 fulmars.
+ Hana and two students helped with the count.
- 131 kittiwake nests were counted, compared with 143 in 2024.
- The count included 212 razorbills and 58 guillemots.
- The nest count was done from a drone in rough seas.
- Guillemot numbers have fallen sharply since the last count.
""",
    ("documents/field-notes.txt", "Cleaning the lantern"): """
+ On 22 July a 19 cm crack was found in pane 7 on the west face.
+ No water gets in through the crack.
+ Tobias taped the cracked pane and told Ines.
- On 22 July a 91 cm crack was found in pane 7 on the west face.
- On 22 July a 19 cm crack was found in pane 7 on the east face.
- Water comes in through the crack.
- The crack was caused by a gull that flew into the glass.
""",
    ("sources/board-minutes.md", "From 1 April to 31 August 2025"): """
+ The lighthouse welcomed 11,482 visitors between 1 April and 31 August 2025, 12.2% more than a \
year earlier.
+ About 11,500 people visited between April and August 2025.
+ Saturday 9 August was the busiest day, with 236 visitors.
- The lighthouse had 10,236 visitors from 1 April to 31 August 2025, against 11,482 in the same \
months of 2024.
- Visitor numbers fell by 12.2 per cent.
- Sunday 9 August was the busiest day, with 236 visitors.
- The rise in visitors was due to a television series filmed at the lighthouse.
""",
    ("sources/board-minutes.md", "The lease obliges the Trust to paint"): """
+ Brae & Daughters won the painting contract for £18,600.
+ Work on the tower will begin on 3 August 2026, after nesting season.
+ The Trust must paint the tower for the first time by 30 September 2026, according to the lease.
+ Edwin Lark voted against the decision.
+ It was the second-cheapest quote, but the only one that includes the scaffolding on \
the seaward side.
+ The board received three quotes.
- Brae & Daughters won the painting contract for £16,800.
- It was the cheapest quote.
- Samuel Thwaite voted against the decision.
- The decision was unanimous.
- Work on the tower will begin on 3 August 2026, before the nesting season.
- Brae & Daughters have painted the tower twice before and know it well.
- The painters will use a new kind of mineral paint from Denmark.
""",
    ("sources/board-minutes.md", "Tobias Renn reported pane 7"): """
+ Harbour Glassworks is to replace pane 7 before 15 November 2025 for £1,340.
+ The decision to replace the pane was unanimous.
- Harbour Glassworks is to replace pane 7 before 15 December 2025 for £1,340.
- Brae & Daughters will replace pane 7 for £1,340.
- The insurance will pay for the new pane.
""",
    ("sources/lighthouse-lease.md", "At no review may the Rent rise"): """
+ The rent can go up by at most 12 % at a review and cannot go down.
+ The landlord has to propose the new rent in writing no less than four months before the \
review date.
+ The rent may not fall at any review.
- The rent can go up by at most 15 % at a review.
- At a review the rent may fall.
- At no review may the Rent rise by less than 12 per cent.
- The tenant has to propose the new rent in writing at least 4 months before the review date.
- The rent is adjusted every year in line with inflation.
""",
    ("sources/lighthouse-lease.md", "Not more than 25 visitors"): """
+ No more than 25 visitors are allowed in the tower at once, of which at most eight on the gallery.
+ Fires, fireworks and drones for entertainment are forbidden on the property.
+ Up to four evening events with amplified music may be held per calendar year.
+ Fuel storage is limited to 900 litres, in the bunded tank behind the Store.
- No more than 52 visitors are allowed in the tower at once.
- Fireworks are allowed on the property.
- Fuel storage is limited to 900 gallons.
- Each evening event with amplified music shall end by 23:30.
- Weddings may be held in the tower with the landlord's blessing.
""",
    ("sources/lighthouse-lease.md", "The Tenant may end this lease on 1 March 2032"): """
+ The tenant can end the lease on 1 March 2032 with nine months' notice and a payment of £6,300.
+ The landlord may terminate with 6 months' notice if the tenant is no longer a charity.
+ Notice has to reach the landlord by 1 June 2031.
- The tenant can end the lease on 1 March 2032 with six months' notice.
- The landlord can end the lease on 1 March 2032 by paying £6,300.
- The tenant must also repay all grants when ending the lease early.
- The Landlord may not end this lease where the Tenant stops being a charity.
""",
    ("sources/lighthouse-lease.md", "The Landlord shall insure the Tower"): """
+ The landlord insures the buildings against fire, storm, lightning, flood and subsidence.
+ The tenant refunds 60 percent of the annual premium within three weeks of seeing the receipt.
+ The tenant must hold public liability cover of at least £5 million per event.
- The landlord insures the buildings against earthquakes and war.
- The tenant refunds 40 percent of the annual premium.
- The tenant insures the Tower, the Cottage and the Store against fire.
- The tenant must hold public liability cover of at least £50 million per event.
""",
}


def cases() -> list[tuple[str, str, bool]]:
    """Return (claim, passage, whether it is fair) for every line of the table."""
    found = []
    for (name, anchor), lines in TABLE.items():
        passage = _section((EXAMPLES / name).read_text("utf-8"), anchor)
        found += [(line[2:], passage, line[0] == "+") for line in lines.strip().split("\n")]
    return found


def _section(text: str, anchor: str) -> str:
    """Return the text between the two headings, or dated entries, around an anchor."""
    at = text.index(anchor)
    mark = "\n#" if "\n#" in text else "\n\n"
    start = max(0, text.rfind(mark, 0, at))
    end = text.find(mark, at)
    return text[start : end if end >= 0 else len(text)].strip()
